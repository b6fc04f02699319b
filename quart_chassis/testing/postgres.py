"""A PostgreSQL server for one test, which may kill it: with passwords, over TCP."""

import os
import secrets
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from quart_chassis.locks import locked
from quart_chassis.postgres import programs
from quart_chassis.postgres.programs import Owner

# The variable with the id of this run of the tests.
UID = "QUART_CHASSIS_TEST_UID"


def scratch() -> Path:
    """The folder for test databases: in memory if there is room, for speed."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK):
        # As root, programs are copied there and run.
        runs = not os.statvfs(memory).f_flag & os.ST_NOEXEC
        if runs and shutil.disk_usage(memory).free > 4 * 2**30:
            return memory
    return Path(tempfile.gettempdir())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def run_folder() -> Path:
    """The folder that all processes of this run share; open to every account."""
    return scratch() / f"quart-chassis-run-{os.environ[UID]}"


def server_programs() -> tuple[Path, Owner | None]:
    """PostgreSQL's programs, and the account to run them; root's copy is made once."""
    with locked(run_folder() / "programs.lock", lambda: None):
        return programs.for_server(run_folder())


def lend_programs(folder: Path) -> None:
    """Make a server's folder with links to root's copy of the programs."""
    server_programs()
    folder.mkdir()
    folder.chmod(0o755)
    for copied in run_folder().glob("postgresql-*"):
        (folder / copied.name).symlink_to(copied)


class OwnPostgres:
    """A server on 127.0.0.1 that asks for passwords; user `app`, database `app`."""

    address = "127.0.0.1"

    def __init__(self, place: Path | None = None) -> None:
        """It is in memory if there is room, or in `place`."""
        place = place or scratch()
        self.folder = Path(tempfile.mkdtemp(prefix="quart-chassis-own-", dir=place))
        self.port = free_port()
        self.password = secrets.token_urlsafe()
        self.binaries, self.owner = server_programs()
        if self.owner:
            os.chown(self.folder, self.owner.uid, self.owner.gid)

    def __enter__(self) -> Self:
        (self.folder / "password").write_text(self.password)
        options = ["-U", "app", "--auth=scram-sha-256", "--pwfile=password"]
        options += ["--no-sync", "--locale=C", "--encoding=UTF8"]
        self.run("initdb", "-D", "data", *options)
        self.start()
        self.run("psql", "-qc", "CREATE DATABASE app", self.url("postgres"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.folder)

    def url(self, database: str = "app") -> str:
        return f"postgresql://app:{self.password}@{self.address}:{self.port}/{database}"

    def start(self) -> None:
        options = f"-c listen_addresses={self.address} -p {self.port}"
        if sys.platform != "win32":
            options += f" -k {self.folder}"
        self.run("pg_ctl", "start", "-D", "data", "-l", "log", "-w", "-o", options)

    def stop(self, mode: str = "fast") -> None:
        self.run("pg_ctl", "stop", "-D", "data", "-m", mode, "-w")

    def kill(self) -> None:
        """Send SIGKILL to the server, as an out-of-memory killer does."""
        psutil.Process(self.pid()).kill()

    def pid(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split("\n")[0])

    def run(self, program: str, *arguments: str) -> None:
        path = self.binaries / program
        ran = programs.run(path, *arguments, folder=self.folder, owner=self.owner)
        assert ran.returncode == 0, ran.stderr
