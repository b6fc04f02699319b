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

from quart import Quart, Response, current_app
from uvicorn import Server

DRAIN_SECONDS = 1.0
# After that `server.py` lets nobody connect, and who just did is still answered.
SETTLE_SECONDS = 0.2
# Set to "off" by `run --reload`: a developer who waits for a change has nobody to part
# from.
DRAIN = "MY_APP_DRAIN"
SIGNALS = (signal.SIGTERM, signal.SIGINT)

Handler = Callable[[int, FrameType | None], None]


def install(app: Quart) -> None:
    """Make `app` drain when its server is told to stop, or when its parent dies."""
    app.extensions["draining"] = False
    # What is to be called, in the event loop, as soon as the server is told to stop.
    app.extensions["when_draining"] = []
    app.after_request(_ask_for_a_new_connection)
    app.while_serving(_wait_before_stopping)


def draining() -> bool:
    """Whether this worker was told to stop."""
    return bool(current_app.extensions["draining"])


async def _ask_for_a_new_connection(response: Response) -> Response:
    if draining():
        response.headers["Connection"] = "close"
    return response


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
    extensions = current_app.extensions
    loop = asyncio.get_running_loop()
    delay = 0 if os.environ.get(DRAIN) == "off" else DRAIN_SECONDS + SETTLE_SECONDS

    def drain(number: int, frame: FrameType | None) -> None:
        stop = servers_own[signal.Signals(number)]
        if not callable(stop):
            return
        if not extensions["draining"]:
            extensions["draining"] = True
            for call in extensions["when_draining"]:
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
