"""The web server: Uvicorn, told where to listen, how many to be and when to give up."""

import asyncio
import signal
import socket
import sys
import time
from contextlib import nullcontext, suppress
from pathlib import Path

from uvicorn import Config, Server
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import ChangeReload, Multiprocess

from quart_chassis.errors import UserError
from quart_chassis.observe import metrics
from quart_chassis.serve import stopping
from quart_chassis.settings import Settings

# Half a second until the parent sees the signal, the drain, and this: a stop takes less
# than nine seconds, and outlasts the WAIT_SECONDS of the last request.
GRACEFUL_STOP_SECONDS = 6
BACKLOG = 2048
# A caller who reads nothing for so long, though there is something, is cut off by the
# kernel; connections inherit it from the listener (tcp(7), Linux only).
STALLED_SECONDS = 30
# Linux, ip(7) and ipv6(7): the least time to live of a packet; Python has no names for
# them. Packets start with 64 or 128, so no stranger's reaches 255.
MINIMUM_TTL = {
    socket.AF_INET: (socket.IPPROTO_IP, 21),
    socket.AF_INET6: (socket.IPPROTO_IPV6, 73),
}


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; UserError if the address cannot be had."""
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(
            (str(address[0]), port), family=family, backlog=BACKLOG
        )
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", "") or "that is no host"
        raise UserError(
            f"cannot listen on {host} port {port}: {reason}; choose another, "
            "for example with --port 5002 or PORT=5002"
        ) from None
    if sys.platform == "linux":
        listener.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_SECONDS * 1000
        )
    return listener


def url_of(listener: socket.socket) -> str:
    """Where a browser on this machine finds the listener."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve(listener: socket.socket, settings: Settings, *, reload: bool) -> int:
    """Serve until a signal has stopped it; the status, 1 if no worker could start.

    The address is printed as soon as signals are heard. With more than one worker, a
    worker that dies is replaced.
    """
    project = settings.project
    folders = [str(project.root / project.package), str(Path(__file__).parents[1])]
    config = Config(
        f"{project.package}.asgi:app",
        workers=settings.WORKERS,
        reload=reload,
        reload_dirs=folders if reload else None,
        # None: the application configures logs, the server's too.
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACEFUL_STOP_SECONDS,
    )
    if reload:
        stopping.switch_off(project)
        _tell_address(listener)
        ChangeReload(config, target=Server(config).run, sockets=[listener]).run()
        return 0
    if settings.WORKERS > 1:
        return run_workers(config, listener, settings)
    server = OneWorker(config)
    # Already now, or a signal that comes before it serves would be lost; and still when
    # Uvicorn raises the one that stopped it once more, for whoever called it.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    _tell_address(listener)
    server.run(sockets=[listener])
    return int(not server.started)


def _tell_address(listener: socket.socket) -> None:
    """From here on a signal is one to stop serving."""
    print(f"Open {url_of(listener)} (Ctrl-C ends it)", flush=True)


def run_workers(config: Config, listener: socket.socket, settings: Settings) -> int:
    """Serve with several processes; the status, 1 if one of them could not start."""
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
    """Several processes, which stop together without refusing who already connected."""

    def keep_subprocess_alive(self) -> None:
        super().keep_subprocess_alive()
        metrics.forget_all_but({each.pid for each in self.processes})

    def terminate_all(self) -> None:
        super().terminate_all()
        # The workers drain; the parent must not close the listener before they have,
        # and has nothing else to do.
        time.sleep(stopping.DRAIN_SECONDS)
        refuse_connections(self.sockets)


class OneWorker(Server):
    """This process alone; it stops like several."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        refuse_connections(sockets or [])
        await asyncio.sleep(stopping.SETTLE_SECONDS)
        await super().shutdown(sockets)


def refuse_connections(listeners: list[socket.socket]) -> None:
    """Let nobody connect anew, while those who just did are still accepted.

    A listener that is closed resets the connections in its queue, with whatever their
    callers sent meanwhile (measured: 655 requests in 20 restarts under 32 clients). So
    first the kernel is told to drop packets for the listener itself; connections have
    sockets of their own. Who asked to connect asks again a second later, and finds the
    next server or is refused. Elsewhere than on Linux nothing happens.
    """
    if sys.platform == "linux":
        for listener in listeners:
            # Some sandboxes say they are Linux and lack this.
            with suppress(OSError):
                listener.setsockopt(*MINIMUM_TTL[listener.family], 255)
