"""What a command reads and writes, where some of it is closed or full; its terminal.

Standard library only.
"""

import os
import signal
import sys
from contextlib import suppress
from typing import TextIO


def open_what_is_closed() -> None:
    """Have standard input, output and errors, also where a program closed them.

    Python has None for them then, and the next file that is opened, or connection,
    would be what others write their messages to.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # It gets the lowest number that is free.
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8")
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")


class Lossy:
    """A stream for logs: what it cannot write is lost.

    The terminal may be closed, the disk full or the reader gone. What a line is about,
    a request for example, goes on.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    # Each request writes a line, and `suppress` costs more than the line.
    def write(self, text: str) -> None:
        try:  # noqa: SIM105
            self._stream.write(text)
        except OSError:
            pass

    def flush(self) -> None:
        try:  # noqa: SIM105
            self._stream.flush()
        except OSError:
            pass


def has_terminal() -> bool:
    """Whether this process has a terminal that would end it when it is closed."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True


def ignores_hangup() -> bool:
    """Whether a closed terminal ends nothing: nohup, or Windows."""
    return sys.platform == "win32" or signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def status_without_output(error: OSError, program: str) -> int:
    """The status of a command whose output cannot be written; else `error` is raised.

    Whoever reads the output may have read enough: `manage.py routes | head`.
    """
    if isinstance(error, BrokenPipeError):
        _give_up(sys.stdout)
        return 141
    try:
        # An empty line shows whether it is the output.
        print(flush=True)
    except OSError:
        _give_up(sys.stdout)
        print(f"{program}: the output cannot be written: {error}", file=sys.stderr)
        return 1
    raise error


def forget_unwritten() -> None:
    """Have the status not be 120 for lines of the log that could not be written."""
    try:
        sys.stderr.flush()
    except OSError:
        _give_up(sys.stderr)


def _give_up(stream: TextIO) -> None:
    """Write to nowhere from now on, so that Python does not fail when it ends."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
