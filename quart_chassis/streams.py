"""What a command reads and writes, where some of it is closed or full.

Standard library only.
"""

import os
import sys
from contextlib import suppress


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


def status_without_output(error: OSError, program: str) -> int:
    """The status of a command whose output cannot be written; else `error` is raised.

    Whoever reads the output may have read enough: `manage.py routes | head`.
    """
    if isinstance(error, BrokenPipeError):
        _give_up_output()
        return 141
    try:
        # An empty line shows whether it is the output.
        print(flush=True)
    except OSError:
        _give_up_output()
        print(f"{program}: the output cannot be written: {error}", file=sys.stderr)
        return 1
    raise error


def _give_up_output() -> None:
    """Write to nowhere from now on, so that Python does not fail when it ends."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
