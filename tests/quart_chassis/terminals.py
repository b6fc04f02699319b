"""A program that runs in a terminal of its own, as a developer starts it."""

import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from quart_chassis.testing.waiting import HANG_SECONDS, until

# Makes its stdin the terminal of a new session, so that Ctrl-C reaches the program.
LOGIN = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """What the program wrote, and how to type."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self._master = master
        self.process = process
        self.shown = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        # It fails when the program has ended.
        with suppress(OSError):
            while data := os.read(self._master, 65536):
                self.shown += data.decode(errors="replace")

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def waits_for(self, text: str) -> None:
        until(lambda: text in self.shown)


@contextmanager
def in_terminal(
    command: list[str], cwd: Path, **environment: str
) -> Iterator[Terminal]:
    """Run `command` in a terminal of 80 columns during the block; Ctrl-C ends it."""
    master, process = _started(command, cwd, **environment)
    terminal = Terminal(master, process)
    try:
        yield terminal
        terminal.type("\x03")
        assert process.wait(HANG_SECONDS) == 0, terminal.shown
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(HANG_SECONDS)
        os.close(master)


@contextmanager
def in_closing_terminal(
    command: list[str], cwd: Path, words: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Close the terminal of `command` once it shows these words; then the block."""
    master, process = _started(command, cwd)
    shown = ""
    try:
        # No thread reads here: it would keep the terminal open.
        while words not in shown:
            shown += os.read(master, 65536).decode(errors="replace")
        os.close(master)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(HANG_SECONDS)


def _started(
    command: list[str], cwd: Path, **environment: str
) -> tuple[int, subprocess.Popen[bytes]]:
    """The other end of the terminal, and the program in it."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", LOGIN, *command],
        cwd=cwd,
        env={**os.environ, "TERM": "xterm", **environment},
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    return master, process
