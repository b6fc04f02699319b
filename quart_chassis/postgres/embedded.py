"""The development database: a PostgreSQL server for this checkout, in `.postgres/`.

Only `manage.py`'s commands start it. Each user (a process) locks a file in `users/`,
and the last user to leave stops the server. If a `kill -9` leaves the server running,
the next user takes it over.

As root, the server runs as `nobody`. That account may not enter root's closed folders,
and we must not open them. If the checkout is in one, the data and a copy of the
programs are in /var/lib.
"""

import asyncio
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO
from uuid import uuid4

import asyncpg

from quart_chassis.errors import UserError
from quart_chassis.locks import locked, try_lock
from quart_chassis.postgres import carrying, programs, reasons
from quart_chassis.postgres.cluster import (
    PORT,
    START_SECONDS,
    SUPERUSER,
    Cluster,
    digest,
    socket_folder,
)
from quart_chassis.postgres.interrupts import uninterrupted
from quart_chassis.project import Project

Say = Callable[[str], None]


@cache
def folder_of(project: Project) -> Path:
    """The folder of the project's database."""
    if programs.is_root() and not programs.others_may_enter(project.root):
        return Path("/var/lib") / f"{project.name}-{digest(project.root)}"
    return project.root / ".postgres"


def address(folder: Path) -> dict[str, object]:
    """Keyword arguments for `asyncpg.connect`, without the database's name.

    Connecting raises FileNotFoundError or ConnectionRefusedError if no server runs.
    """
    cluster = folder / "cluster"
    # What a shell's PG* variables say is for other servers.
    arguments: dict[str, object] = {
        "user": SUPERUSER,
        "ssl": False,
        "direct_tls": False,
        "target_session_attrs": "any",
    }
    if sys.platform == "win32":
        port, password = (cluster / "listener").read_text("utf-8").split()
        return arguments | {"host": "127.0.0.1", "port": port, "password": password}
    return arguments | {"host": str(socket_folder(cluster)), "port": PORT}


@contextmanager
def serving(folder: Path, database: str, say: Say) -> Iterator[None]:
    """Run the server during the block, with a database named `database`.

    UserError gives the reason if it cannot run.
    """
    users = folder / "users"
    mine = None
    try:
        with _folder_errors(folder):
            _make_folder(folder)
            with _door(folder, say):
                cluster = _prepared(folder)
                users.mkdir(mode=0o700, exist_ok=True)
                used = _in_use(users)
                if used and not cluster.is_running():
                    raise UserError(
                        f"the database in {folder} has stopped while others use it; "
                        "stop them (each `manage.py run`), then try again"
                    )
                with uninterrupted():
                    mine = try_lock(users / uuid4().hex)
                    if not used:
                        carrying.carry_over(cluster, say)
                    cluster.start()
                asyncio.run(_ensure_database(folder, database))
        yield
    finally:
        if mine:
            with _folder_errors(folder), uninterrupted(), _door(folder, say):
                mine.close()
                if not _in_use(users):
                    cluster.stop()


def discard(folder: Path) -> None:
    """Delete the database in `folder` for good, unless it is in use."""
    with locked(folder / "door", lambda: None):
        if _in_use(folder / "users"):
            return
        _prepared(folder).stop()
        socket = socket_folder(folder / "cluster")
    shutil.rmtree(folder)
    if socket.exists():
        shutil.rmtree(socket)


def _door(folder: Path, say: Say) -> IO[bytes]:
    """A lock; only its holder may start or stop the server."""

    def waiting() -> None:
        say("Waiting for another process that starts or stops the database")

    return locked(folder / "door", waiting)


def _in_use(users: Path) -> bool:
    """Whether any user is left; deletes the files of users that died."""
    # Whatever else is in there is not ours.
    for user in list(users.glob("?" * len(uuid4().hex))):
        lock = try_lock(user)
        if lock is None:
            return True
        lock.close()
        user.unlink()
    return False


async def _ensure_database(folder: Path, database: str) -> None:
    """Create the database if it does not exist."""
    connection = None
    try:
        async with asyncio.timeout(START_SECONDS):
            connection = await _connect(folder)
            found = "SELECT 1 FROM pg_database WHERE datname = $1"
            if not await connection.fetchval(found, database):
                quoted = database.replace('"', '""')
                await connection.execute(f'CREATE DATABASE "{quoted}"')
    except TimeoutError:
        raise reasons.of_state(folder / "cluster", "does not answer") from None
    except asyncpg.PostgresError as error:
        what, *_ = str(error).splitlines() or [type(error).__name__]
        what = f"does not let {database} be made: {what}"
        raise reasons.of_state(folder / "cluster", what) from None
    finally:
        if connection is not None:
            connection.terminate()


async def _connect(folder: Path) -> asyncpg.Connection:
    """A connection; waits while the server is in recovery."""
    while True:
        try:
            return await asyncpg.connect(**address(folder), database=SUPERUSER)
        except (asyncpg.CannotConnectNowError, OSError):
            await asyncio.sleep(0.1)


@contextmanager
def _folder_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise reasons.of_file(folder, error) from None


def _make_folder(folder: Path) -> None:
    if problem := reasons.of_path(folder):
        raise problem
    if not folder.exists():
        folder.mkdir(mode=0o700)
        # As root, the server's account must pass through it to its own folder.
        folder.chmod(0o711 if programs.is_root() else 0o700)


def _prepared(folder: Path) -> Cluster:
    """The cluster in `folder`, with programs that its account may run."""
    binaries, owner = programs.for_server(folder)
    return Cluster(folder / "cluster", binaries, owner)
