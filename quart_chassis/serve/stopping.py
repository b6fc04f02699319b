"""Stop without losing a request: before the server stops, a second of farewell.

A server that closes its keep-alive connections at once loses what callers were just
sending on them (measured: 71 of 35,690 requests in three restarts). So the signal waits
for a second, in which the listener stays open, `/readyz` answers 503, and every answer
asks its caller to open a new connection next time.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
from collections.abc import AsyncGenerator, Callable
from types import FrameType
from typing import Any

from quart import Quart, current_app
from uvicorn import Server

from quart_chassis import settings
from quart_chassis.door import Draining
from quart_chassis.project import Project
from quart_chassis.settings import Settings

DRAIN_SECONDS = 1.0
# After that `server.py` lets nobody connect; whoever just did is still answered.
SETTLE_SECONDS = 0.2
SIGNALS = (signal.SIGTERM, signal.SIGINT)

Handler = Callable[[int, FrameType | None], None]


def install(app: Quart) -> None:
    """Make `app` drain when its server is told to stop, or when its parent dies."""
    app.while_serving(_wait_before_stopping)


def switch_off(project: Project) -> None:
    """Let servers started from here stop at once.

    A developer who waits for a change to be served has nobody to say goodbye to.
    """
    os.environ[project.variable("DRAIN")] = "off"


async def _wait_before_stopping() -> AsyncGenerator[None, None]:
    # Outside the main thread (a test, an embedding program) signals are not ours.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    servers_own = {number: signal.getsignal(number) for number in SIGNALS}
    drain = _drain_before(servers_own)
    for number in SIGNALS:
        signal.signal(number, drain)
    if _was_told_already(servers_own[signal.SIGTERM]):
        drain(signal.SIGTERM, None)
    _stop_with_the_parent()
    try:
        yield
    finally:
        for number, handler in servers_own.items():
            signal.signal(number, handler)


def _drain_before(servers_own: dict[signal.Signals, Any]) -> Handler:
    """A handler that drains and then has the server's own handler stop."""
    draining: Draining = current_app.extensions["draining"]
    loop = asyncio.get_running_loop()
    off = settings.current(Settings).project.variable("DRAIN")
    delay = 0 if os.environ.get(off) == "off" else DRAIN_SECONDS + SETTLE_SECONDS

    def drain(number: int, frame: FrameType | None) -> None:
        stop = servers_own[signal.Signals(number)]
        if not callable(stop):
            return
        if not draining.begun:
            draining.begun = True
            for call in draining.when_begun:
                loop.call_soon_threadsafe(call)
            loop.call_soon_threadsafe(loop.call_later, delay, stop, number, frame)
        elif number == signal.SIGINT:
            stop(number, frame)

    return drain


def _was_told_already(stop: object) -> bool:
    """Whether Uvicorn got a signal while the application was still starting.

    It would listen, and close at once, whoever connected.
    """
    server = getattr(stop, "__self__", None)
    if not isinstance(server, Server) or not server.should_exit:
        return False
    server.should_exit = False
    return True


def _stop_with_the_parent() -> None:
    """A worker whose parent was killed would live on and keep the port."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def follow() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, daemon=True).start()
