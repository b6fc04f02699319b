"""Files that one process at a time may hold, on Linux, macOS and Windows alike."""

import errno
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

POLL_SECONDS = 0.05
# Any other error is about the file system, which may know no locks.
HELD = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}


def try_lock(path: Path) -> IO[bytes] | None:
    """The locked file, or None while another process holds it.

    The kernel drops the lock when the file is closed or its process dies, however
    it dies, so a lock that can be taken tells that its holder is gone.
    """
    file = path.open("ab")
    try:
        _lock(file)
    except OSError as error:
        file.close()
        if error.errno not in HELD:
            raise
        return None
    return file


def locked(path: Path, on_wait: Callable[[], None]) -> IO[bytes]:
    """The locked file, waited for; `on_wait` is called once if that takes waiting."""
    file = try_lock(path)
    if file is None:
        on_wait()
    while file is None:
        # We ask again and again, because on Windows no call waits without an end.
        time.sleep(POLL_SECONDS)
        file = try_lock(path)
    return file


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
