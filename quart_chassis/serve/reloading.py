"""`run --reload`: the server runs in a process that is replaced when code changes."""

import multiprocessing
import socket
import sys
import time
from collections.abc import Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from quart_chassis.serve import changes, reloaded
from quart_chassis.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

# A process that is stopped in a debugger does not hear that it should stop.
STOP_SECONDS = 3
SPAWN = multiprocessing.get_context("spawn")

log = structlog.stdlib.get_logger()


def serve(listener: socket.socket, settings: Settings, stop: changes.Stop) -> None:
    """Serve until `stop` is set, with the code as it is.

    A change of a template or a static file is told to the server, which tells browsers;
    after any other change another process serves. The listener stays open, so a browser
    that comes meanwhile waits for that process.
    """
    with _kept_terminal():
        process = Process(listener, settings)
        process.start([])
        for changed in changes.watch(settings.project, stop):
            if not changed:
                process.tell_death()
            elif process.alive and all(map(changes.is_shown, changed)):
                process.show(_named(changed, settings.project.root))
            else:
                process.stop()
                process.start(_named(changed, settings.project.root))
        process.stop()


class Process:
    """The process that serves; it is started again and again."""

    def __init__(self, listener: socket.socket, settings: Settings) -> None:
        self._listener = listener
        self._settings = settings
        self._told: Connection
        self._process: multiprocessing.process.BaseProcess
        self._death_told = False

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def start(self, changed: list[str]) -> None:
        """Start it; the names of files are why it starts again."""
        self._told, hears = multiprocessing.Pipe()
        started = reloaded.Start(
            settings=self._settings,
            changed=changed,
            time=time.time(),
        )
        self._process = SPAWN.Process(
            target=reloaded.serve, args=(started, self._listener, hears)
        )
        self._process.start()
        hears.close()
        self._death_told = False

    def show(self, changed: list[str]) -> None:
        """Tell it that browsers should reload."""
        # It may have ended just now.
        with suppress(OSError):
            self._told.send(changed)

    def stop(self) -> None:
        """Stop it, also if it does not hear."""
        self._process.terminate()
        self._process.join(STOP_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._told.close()

    def tell_death(self) -> None:
        """Log once that it ended by itself, and what starts it again."""
        if not self.alive and not self._death_told:
            log.error("the server ended; it starts again when a file changes")
            self._death_told = True


def _named(changed: Iterable[Path], root: Path) -> list[str]:
    """The paths as they are written in the project's root."""
    return [
        str(path.relative_to(root) if path.is_relative_to(root) else path)
        for path in changed
    ]


@contextmanager
def _kept_terminal() -> "Iterator[None]":
    """Leave the terminal as it was, also if a debugger was killed at its prompt."""
    if sys.platform == "win32" or not sys.stdin or not sys.stdin.isatty():
        yield
        return
    import termios  # noqa: PLC0415 - there is none on Windows

    before = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        # Where it was closed there is nothing to restore.
        with suppress(termios.error):
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
