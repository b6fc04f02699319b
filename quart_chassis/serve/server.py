"""The web server: Uvicorn with a listener, workers and time limits."""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from types import FrameType

from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from quart_chassis import streams
from quart_chassis.observe import metrics
from quart_chassis.serve import changes, connections, listening, reloading, stopping
from quart_chassis.settings import Settings

# A stop takes half a second until the parent sees the signal, the drain, and this: less
# than nine seconds, and longer than the WAIT_SECONDS of the last request.
GRACEFUL_STOP_SECONDS = 6
# The minimum time to live of a packet (Linux, ip(7) and ipv6(7)); Python has no names
# for these options. Packets start with 64 or 128, so none has 255.
MINIMUM_TTL = {
    socket.AF_INET: [(socket.IPPROTO_IP, 21)],
    # IPv4 reaches a listener on :: too.
    socket.AF_INET6: [(socket.IPPROTO_IPV6, 73), (socket.IPPROTO_IP, 21)],
}


def serve(listener: socket.socket, settings: Settings, *, reload: bool) -> int:
    """Serve until a signal; the exit status, 1 if no worker could start.

    The address is printed as soon as signals are handled. With more than one worker, a
    worker that dies is replaced.
    """
    if reload:
        stop = changes.Stop()
        _hear_signals(stop.set)
        _tell_address(listener)
        reloading.serve(listener, settings, stop)
        return 0
    config = Config(
        f"{settings.project.package}.asgi:app",
        workers=settings.WORKERS,
        # None: the application configures logs, the server's too.
        log_config=None,
        **connections.bounded(settings),
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=listening.BACKLOG,
        timeout_graceful_shutdown=GRACEFUL_STOP_SECONDS,
    )
    if settings.WORKERS > 1:
        return run_workers(config, listener, settings)
    server = OneWorker(config)
    # Now, so that a signal before it serves is not lost. Uvicorn raises the signal
    # again after it has stopped, and this handler then ignores it.
    _hear_signals(server.handle_exit)
    _tell_address(listener)
    server.run(sockets=[listener])
    return int(not server.started)


def _hear_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _tell_address(listener: socket.socket) -> None:
    """Print the address; from now on a signal stops the server."""
    print(f"Open {listening.url_of(listener)} (Ctrl-C ends it)", flush=True)


def run_workers(config: Config, listener: socket.socket, settings: Settings) -> int:
    """Serve with several processes; the exit status, 1 if one could not start."""
    with (
        metrics.shared_by_workers(settings.project)
        if settings.METRICS
        else nullcontext()
    ):
        workers = Workers(config, sockets=[listener])
        _tell_address(listener)
        workers.run()
    return int(any(each.exitcode == STARTUP_FAILURE for each in workers.processes))


class Workers(Multiprocess):
    """Several processes, which stop together and still serve queued connections."""

    def __init__(self, config: Config, sockets: list[socket.socket]) -> None:
        # Uvicorn replaces what nohup says.
        self._is_left_alone = streams.ignores_hangup()
        self._had_terminal = streams.has_terminal()
        super().__init__(config, sockets)

    def handle_hup(self) -> None:
        """Replace the workers, or stop them if the terminal was just closed."""
        if (
            self._had_terminal
            and not streams.has_terminal()
            and not self._is_left_alone
        ):
            self.handle_term()
        else:
            super().handle_hup()

    def keep_subprocess_alive(self) -> None:
        self._had_terminal = streams.has_terminal()
        super().keep_subprocess_alive()
        metrics.forget_all_but({each.pid for each in self.processes})

    def terminate_all(self) -> None:
        super().terminate_all()
        # The parent keeps the listener open while the workers drain, and has nothing
        # else to do.
        time.sleep(stopping.DRAIN_SECONDS)
        refuse_connections(self.sockets)


class OneWorker(Server):
    """A single process, which stops in the same way."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        refuse_connections(sockets or [])
        await asyncio.sleep(stopping.SETTLE_SECONDS)
        await super().shutdown(sockets)


def refuse_connections(listeners: list[socket.socket]) -> None:
    """Refuse new connections, while queued ones are still accepted.

    Closing a listener resets the connections in its queue and loses their requests
    (measured: 655 in 20 restarts under 32 clients). So the kernel first drops packets
    for the listener; connections have sockets of their own. A caller whose packet was
    dropped tries again a second later, and reaches the next server or is refused. Only
    Linux supports this; elsewhere nothing happens.
    """
    if sys.platform == "linux":
        for listener in listeners:
            # Some sandboxes report Linux and lack this option.
            for option in MINIMUM_TTL[listener.family]:
                with suppress(OSError):
                    listener.setsockopt(*option, 255)
