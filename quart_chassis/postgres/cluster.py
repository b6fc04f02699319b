"""A PostgreSQL server with its own data, run by `initdb` and `pg_ctl`."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

from quart_chassis.errors import UserError
from quart_chassis.postgres import processes, programs, reasons
from quart_chassis.postgres.programs import Owner

SUPERUSER = "postgres"
PORT = 5432
START_SECONDS = 60
STOP_SECONDS = 3
# A socket's address holds 107 bytes (unix(7)); PostgreSQL adds a name to the folder's.
LONGEST_SOCKET_FOLDER = 107 - len(f"/.s.PGSQL.{PORT}")


@dataclass(frozen=True)
class Cluster:
    """The server in `folder`, from the programs in `binaries`.

    Every method raises UserError with PostgreSQL's own reason when it fails.
    """

    folder: Path
    binaries: Path
    owner: Owner | None = None

    def start(self) -> None:
        """Start the server unless it runs; its data is created if there is none."""
        self._make_folder(self.folder)
        self._make_folder(socket_folder(self.folder))
        if not (self.folder / "data").exists():
            self._initialize()
        self._check_version()
        if lock := self._lock():
            with lock:
                self._start(lock)

    def _start(self, lock: IO[bytes]) -> None:
        log = self.folder / "server.log"
        if log.exists():
            log.replace(self.folder / "server.log.1")
        # pg_ctl passes these to a shell, so they contain no part of the folder's path.
        listener = f"-c listen_addresses='' -c unix_socket_permissions=0700 -p {PORT}"
        relative = socket_folder(self.folder) == self.folder
        listener += f" -k {'..' if relative else socket_folder(self.folder)}"
        if sys.platform == "win32":
            listener = f"-c listen_addresses=127.0.0.1 -p {self._choose_port()}"
        wait = ("-w", "-t", str(START_SECONDS))
        words = ("start", "-D", "data", "-l", log.name, "-o", listener, *wait)
        inherited = () if sys.platform == "win32" else (lock.fileno(),)
        started = self._run("pg_ctl", *words, inherited=inherited)
        if started.returncode != 0:
            lines = log.read_text("utf-8", "replace") if log.exists() else ""
            raise reasons.of_output(self.folder, "start", lines + started.stderr)

    def stop(self) -> None:
        """Stop the server, and at once if a fast stop takes too long.

        Committed data is kept either way.
        """
        # What is left of a dead one may name another's process.
        if not self.is_running():
            return
        for mode in ("fast", "immediate"):
            wait = ("-w", "-t", str(STOP_SECONDS))
            stopped = self._run("pg_ctl", "stop", "-D", "data", "-m", mode, *wait)
            if stopped.returncode == 0 or not self.is_running():
                return
        raise reasons.of_output(self.folder, "stop", stopped.stderr)

    def is_running(self) -> bool:
        """Whether a server has the data."""
        if not (self.folder / "data").exists():
            return False
        lock = self._lock()
        if lock:
            lock.close()
        return lock is None

    def _lock(self) -> IO[bytes] | None:
        """The lock for a new server; None if the server runs."""
        lock = processes.lock_of(self.folder)
        if lock is None:
            return None
        with ExitStack() as stack:
            stack.enter_context(lock)
            data = self.folder / "data"
            socket_lock = socket_folder(self.folder) / f".s.PGSQL.{PORT}.lock"
            processes.forget_dead(data, data / "postmaster.pid", socket_lock)
            # One that somebody started by hand has no lock, nor has any on Windows.
            if self._run("pg_ctl", "status", "-D", "data").returncode == 0:
                return None
            stack.pop_all()
        return lock

    def _initialize(self) -> None:
        """Create the data in another folder, which is renamed when it is complete."""
        for unfinished in self.folder.glob("unfinished-*"):
            shutil.rmtree(unfinished)
        name = f"unfinished-{secrets.token_hex(4)}"
        options = ["-U", SUPERUSER, "--no-instructions", "--encoding=UTF8"]
        options += ["--locale=C"]
        if programs.version(self.binaries) >= 17:
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if sys.platform == "win32":
            (self.folder / "password").write_text(secrets.token_urlsafe(), "utf-8")
            options += ["--auth=scram-sha-256", "--pwfile=password"]
        else:
            # Every account that may enter the socket's folder may use the server.
            options += ["--auth=trust"]
        made = self._run("initdb", "-D", name, *options)
        if made.returncode != 0:
            shutil.rmtree(self.folder / name, ignore_errors=True)
            raise reasons.of_output(self.folder, "be made", made.stderr)
        (self.folder / name).rename(self.folder / "data")

    def made_by(self) -> int | None:
        """The major version that made the data; None without data."""
        if not (self.folder / "data").exists():
            return None
        file = self.folder / "data" / "PG_VERSION"
        said = file.read_text("utf-8", "replace").strip() if file.is_file() else ""
        if not said.isdecimal():
            raise reasons.of_state(self.folder, "has no usable data/PG_VERSION")
        return int(said)

    def _check_version(self) -> None:
        made_by, here = self.made_by(), programs.version(self.binaries)
        if made_by != here:
            raise UserError(
                f"{self.folder} was made by PostgreSQL {made_by}, and this is "
                f"PostgreSQL {here}; end each `manage.py run` to have it carried over"
            )

    def _choose_port(self) -> int:
        """A free port, written to a file with the password, for clients to read."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port: int = free.getsockname()[1]
        password = (self.folder / "password").read_text("utf-8")
        (self.folder / "listener").write_text(f"{port} {password}", "utf-8")
        return port

    def _make_folder(self, path: Path) -> None:
        """Make a folder for the server's account alone; UserError if it is not."""
        if not path.exists():
            path.mkdir(mode=0o700)
            if self.owner and sys.platform != "win32":
                os.chown(path, self.owner.uid, self.owner.gid)
        if sys.platform != "win32":
            found = path.lstat()
            uid = self.owner.uid if self.owner else os.getuid()
            if path.is_symlink() or found.st_uid != uid or found.st_mode & 0o077:
                raise UserError(
                    f"{path} is not only the database's own; move it away "
                    "to have it made again"
                )

    def _run(
        self, program: str, *arguments: str, inherited: tuple[int, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        path, owner = self.binaries / program, self.owner
        return programs.run(
            path, *arguments, folder=self.folder, owner=owner, inherited=inherited
        )


def socket_folder(folder: Path) -> Path:
    """The folder of the socket for the cluster in `folder`."""
    if len(os.fsencode(folder)) <= LONGEST_SOCKET_FOLDER:
        return folder
    return Path("/tmp") / f"postgresql-{digest(folder)}"  # noqa: S108


def client_words(folder: Path) -> list[str]:
    """The options with which a client connects to the server in `folder`."""
    if sys.platform == "win32":
        port, password = (folder / "listener").read_text("utf-8").split()
        return [
            "-d",
            f"host=127.0.0.1 port={port} user={SUPERUSER} password={password}",
        ]
    place = str(socket_folder(folder)).replace("\\", "\\\\").replace("'", "\\'")
    return ["-d", f"host='{place}' port={PORT} user={SUPERUSER} dbname={SUPERUSER}"]


def digest(path: Path) -> str:
    """A short, stable name for a path."""
    return sha256(os.fsencode(path)).hexdigest()[:16]
