"""File locks for one process at a time, on Linux, macOS and Windows."""

import errno
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

POLL_SECONDS = 0.05
# Any other error comes from the file system, which may not support locks.
HELD = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK}


def try_lock(path: Path) -> IO[bytes] | None:
    """The locked file, or None while another process holds it.

    The kernel releases the lock when the file is closed or its process dies, in any
    way. A lock that can be taken has no living holder; a process that inherited the
    open file is one (flock(2)), and may live in any container. Only this account may
    open the file, and so hold the lock.
    """
    file = os.fdopen(_opened(path), "ab")
    try:
        _lock(file)
    except OSError as error:
        file.close()
        if error.errno not in HELD:
            raise
        return None
    return file


def locked(path: Path, on_wait: Callable[[], None]) -> IO[bytes]:
    """Wait for the lock; the locked file. `on_wait` is called once before a wait."""
    file = try_lock(path)
    if file is None:
        on_wait()
    while file is None:
        # Polled, because Windows has no call that waits without a limit. No event loop
        # runs here: whoever takes the lock has nothing to do before.
        time.sleep(POLL_SECONDS)
        file = try_lock(path)
    return file


def _opened(path: Path) -> int:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    if sys.platform != "win32" and os.fstat(descriptor).st_uid == os.geteuid():
        # An earlier version made it for everybody.
        os.fchmod(descriptor, 0o600)
    return descriptor


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
