"""The web server: Uvicorn, told where to listen, how many to be and when to give up."""

import signal
import socket
import sys
from pathlib import Path

from uvicorn import Config, Server
from uvicorn.supervisors import ChangeReload, Multiprocess

from my_app import UserError
from my_app.settings import Settings

# Added to a second of draining and half a second until the parent sees the signal, it
# keeps a stop within nine seconds and outlasts WAIT_SECONDS.
GRACEFUL_STOP_SECONDS = 7
BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; UserError if the address cannot be had."""
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise UserError(
            f"cannot listen on {host} port {port}: {error.strerror}; choose another, "
            "for example with --port 5002 or PORT=5002"
        ) from None


def url_of(listener: socket.socket) -> str:
    """Where a browser on this machine finds the listener."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve(listener: socket.socket, settings: Settings, *, reload: bool) -> None:
    """Serve until a signal has stopped it; UserError if the application cannot start.

    With more than one worker, a worker that dies is replaced.
    """
    package = Path(__file__).parent
    config = Config(
        "my_app.asgi:app",
        workers=settings.WORKERS,
        reload=reload,
        reload_dirs=[str(package)] if reload else None,
        # None: the application configures logs, for the server too.
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACEFUL_STOP_SECONDS,
    )
    if reload:
        ChangeReload(config, target=Server(config).run, sockets=[listener]).run()
        return
    if settings.WORKERS > 1:
        workers = Multiprocess(config, sockets=[listener])
        workers.run()
        failed = any(process.exitcode == 3 for process in workers.processes)
    else:
        # Uvicorn raises the signal that stopped it once more, for whoever called it.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        server = Server(config)
        server.run(sockets=[listener])
        failed = not server.started
    if failed:
        sys.exit(1)
