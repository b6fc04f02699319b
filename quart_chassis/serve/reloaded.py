"""The process that serves under `run --reload`, until the next change."""

import asyncio
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import structlog
from uvicorn import Config, Server

from quart_chassis.observe import logs
from quart_chassis.project import Project
from quart_chassis.serve import connections, stand_in, stopping
from quart_chassis.settings import Settings
from quart_chassis.web.reload import Shown

# What is under way is cut off then: its developer waits for the new code.
GRACEFUL_STOP_SECONDS = 1
STDIN = 0

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Start:
    """Why and how the process starts.

    `changed` are the files that changed, and `time` is when that was seen. `settings`
    are those that `run` started with.
    """

    settings: Settings
    changed: list[str]
    time: float


def serve(start: Start, listener: socket.socket, told: Connection) -> None:
    """Serve the application until a signal.

    If it cannot be imported or does not start, a page says why instead.
    """
    if os.isatty(STDIN):
        # multiprocessing closed it, and a debugger reads there.
        sys.stdin = os.fdopen(STDIN)
    # To Python, a file that is saved twice in a second with one size is the same.
    sys.dont_write_bytecode = True
    logs.configure(start.settings)
    try:
        app = import_module(f"{start.settings.project.package}.asgi").app
    except (Exception, SystemExit) as error:
        _stand_in(start, listener, told, error)
        return
    # None of them where the application is wrapped in another one.
    extensions = getattr(app, "extensions", {})
    if "settings" in extensions:
        _warn_of_another_address(start.settings, extensions["settings"][Settings])
    try:
        ReloadedServer(app, start, told).run(sockets=[listener])
    except SystemExit:
        # uvicorn exits if the application does not start, which was logged.
        if "failed" not in extensions:
            raise
        _answer_with(extensions["failed"], start, listener, told)


def _stand_in(
    start: Start, listener: socket.socket, told: Connection, error: BaseException
) -> None:
    """Log the error, and answer with it until a signal."""
    why = _names(start.changed) if start.changed else "run --reload"
    if isinstance(error, SystemExit):
        log.error(f"{why}, and {error}")
    else:
        _leave_out_callers(error, start.settings.project)
        log.error(f"{why}, and the application does not start", exc_info=error)
    _answer_with(error, start, listener, told)


def _answer_with(
    error: BaseException, start: Start, listener: socket.socket, told: Connection
) -> None:
    app = stand_in.app_for(error, start.settings)
    quiet = replace(start, changed=[])
    ReloadedServer(app, quiet, told).run(sockets=[listener])


def _leave_out_callers(error: BaseException, project: Project) -> None:
    """Have the traceback begin in the application, if it ever comes there."""
    found = error.__traceback__
    while found:
        path = Path(found.tb_frame.f_code.co_filename)
        if path.is_relative_to(project.root / project.package):
            error.__traceback__ = found
            return
        found = found.tb_next


def _warn_of_another_address(started: Settings, current: Settings) -> None:
    """The listener stays what it was when `run` began."""
    for name in ("HOST", "PORT"):
        if getattr(started, name) != (value := getattr(current, name)):
            log.warning(f"{name} is {value} now: end `run`, and start it again")


class ReloadedServer(Server):
    """A server that says when it serves, and hears what browsers should reload."""

    def __init__(self, app: Any, start: Start, told: Connection) -> None:
        self._start = start
        self._shown: Shown | None = getattr(app, "extensions", {}).get("shown")
        self._told = told
        super().__init__(
            Config(
                app,
                log_config=None,
                **connections.bounded(start.settings),
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACEFUL_STOP_SECONDS,
            )
        )

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.started:
            return
        seconds = time.time() - self._start.time
        if self._start.changed:
            log.info(f"reloaded after {seconds:.1f} s: {_names(self._start.changed)}")
        if self._shown:
            following = (self._shown, asyncio.get_running_loop())
            threading.Thread(target=self._follow, args=following, daemon=True).start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Who was let in a moment ago is answered; the next process lets in the others.
        for server in self.servers:
            server.close()
        await asyncio.sleep(stopping.SETTLE_SECONDS)
        await super().shutdown(sockets)

    def _follow(self, shown: Shown, loop: asyncio.AbstractEventLoop) -> None:
        """Have browsers reload what `run` says has changed, until it says no more."""
        with suppress(EOFError, OSError):
            while True:
                changed = self._told.recv()
                loop.call_soon_threadsafe(shown.change)
                log.info(_names(changed))


def _names(changed: list[str]) -> str:
    """The first file, and how many others there are."""
    others = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
    return f"{changed[0]}{others} changed"
