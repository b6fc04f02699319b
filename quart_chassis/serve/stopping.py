"""Stop without losing a request: a worker drains for a second before it stops.

A server that closes its keep-alive connections at once loses the requests that callers
are sending on them (measured: 71 of 35,690 in three restarts). So the signal takes
effect after a second. Until then the listener stays open, `/readyz` answers 503, and
every response asks its caller to open a new connection for the next request.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import AsyncGenerator, Callable
from functools import partial
from types import FrameType
from typing import Any

from quart import Quart, current_app
from uvicorn import Server

from quart_chassis.door import Draining

DRAIN_SECONDS = 1.0
# After the drain, `server.py` refuses new connections and serves queued ones.
SETTLE_SECONDS = 0.2
SIGNALS = (signal.SIGTERM, signal.SIGINT)

Handler = Callable[[int, FrameType | None], None]


def install(app: Quart, seconds: float = DRAIN_SECONDS + SETTLE_SECONDS) -> None:
    """Make `app` drain when its server is told to stop, or when its parent dies.

    The server's own stop begins after `seconds`.
    """
    app.while_serving(partial(_wait_before_stopping, seconds))


async def _wait_before_stopping(seconds: float) -> AsyncGenerator[None, None]:
    # Outside the main thread (a test, an embedding program) Python sets no signals.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    servers_own = {number: signal.getsignal(number) for number in SIGNALS}
    drain = _drain_before(servers_own, seconds)
    for number in SIGNALS:
        signal.signal(number, drain)
    if _undo_early_stop(servers_own[signal.SIGTERM]):
        drain(signal.SIGTERM, None)
    _stop_with_the_parent()
    try:
        yield
    finally:
        for number, handler in servers_own.items():
            signal.signal(number, handler)


def _drain_before(servers_own: dict[signal.Signals, Any], seconds: float) -> Handler:
    """A handler that drains and then calls the server's own handler."""
    draining: Draining = current_app.extensions["draining"]
    loop = asyncio.get_running_loop()

    def drain(number: int, frame: FrameType | None) -> None:
        stop = servers_own[signal.Signals(number)]
        if not callable(stop):
            return
        if not draining.begun:
            draining.begun = True
            for call in draining.when_begun:
                loop.call_soon_threadsafe(call)
            loop.call_soon_threadsafe(loop.call_later, seconds, stop, number, frame)
        elif number == signal.SIGINT:
            stop(number, frame)

    return drain


def _undo_early_stop(stop: object) -> bool:
    """Undo a stop that Uvicorn was told while the application started; was there one?

    It would listen, and close every new connection at once.
    """
    server = getattr(stop, "__self__", None)
    if not isinstance(server, Server) or not server.should_exit:
        return False
    server.should_exit = False
    return True


def _stop_with_the_parent() -> None:
    """Stop when the parent dies; the worker would otherwise keep the port."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def follow() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, daemon=True).start()
    if sys.platform != "win32":
        # The parent hears of a closed terminal, too.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
