"""Which process holds a cluster's data, as its locks and Linux tell.

PostgreSQL's own lock is a file with the number of a process. After a crash that may be
any other program's, and in another container it says nothing. So a server's processes
hold a lock of the kernel's as well, for as long as they live: they inherit the open
file.
"""

import time
from pathlib import Path
from typing import IO

from quart_chassis.errors import UserError
from quart_chassis.locks import POLL_SECONDS, try_lock

# How long the processes of a server that was killed may take to see it.
DYING_SECONDS = 5


def lock_of(folder: Path) -> IO[bytes] | None:
    """The lock for a new server of the cluster in `folder`; None if its server runs.

    UserError if a server runs on it that is none of this machine's processes.
    """
    end = time.monotonic() + DYING_SECONDS
    while (lock := try_lock(folder / "lock")) is None:
        if _is_one_of_ours(folder / "data"):
            return None
        if time.monotonic() > end:
            raise UserError(
                f"a server that is not of this machine's processes runs on {folder}, "
                "perhaps in a container; stop it there, or set DATABASE_URL; if it was "
                "killed, try again when its last process has ended"
            )
        # No event loop runs here, and a kernel's lock tells nobody that it is free.
        time.sleep(POLL_SECONDS)
    return lock


def forget_dead(data: Path, *files: Path) -> None:
    """Delete those of a server's lock files that name none, or one of other data.

    PostgreSQL would take them for a live one's: the number may be another program's, a
    zombie's in a container whose first process does not reap its children, or that of
    another checkout's server.
    """
    for file in files:
        try:
            if not _is_server_of(data, file):
                file.unlink()
        except FileNotFoundError:
            # Not there any more: the file, or the process.
            continue


def _is_one_of_ours(data: Path) -> bool:
    if not Path("/proc/self/stat").exists():
        # No Linux, and so no containers.
        return True
    try:
        return _is_server_of(data, data / "postmaster.pid")
    except FileNotFoundError:
        return False


def _is_server_of(data: Path, file: Path) -> bool:
    """Whether the process that the lock file `file` names runs on `data`.

    FileNotFoundError if there is no file, or no such process. What cannot be known is
    taken for its server; PostgreSQL then looks into it itself.
    """
    number, *rest = file.read_text("utf-8", "replace").split("\n")
    if not number.strip().isdecimal():
        return False
    process = Path("/proc") / number.strip()
    told = (process / "stat").read_text("utf-8", "replace")
    before, _, after = told.rpartition(")")
    if before.partition("(")[2] != "postgres" or after.split()[0] in "ZX":
        return False
    if process.stat().st_uid != data.stat().st_uid:
        return False
    try:
        # PostgreSQL's working folder is its data.
        return (process / "cwd").samefile(data)
    except PermissionError:
        # A container's root may not look. A copied file names where it comes from.
        named = Path(rest[0]) if rest else data
        return not named.exists() or named.samefile(data)
