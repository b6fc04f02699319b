"""The listener: where the server hears, and what is said if it cannot."""

import errno
import os
import socket
import sys

from quart_chassis.errors import UserError

BACKLOG = 2048
# The kernel closes a connection if the caller does not read pending data for so long;
# connections inherit this from the listener (tcp(7), Linux only).
STALLED_SECONDS = 30
# The host is no address of this machine, or of no family that it has.
NO_ADDRESS = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; UserError if the address cannot be used.

    `::` is every address of the machine, of IPv4 too. Brackets may stand around IPv6.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host.removeprefix("[").removesuffix("]"),
            port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )[0]
        listener = socket.create_server(
            (str(address[0]), port),
            family=family,
            backlog=BACKLOG,
            dualstack_ipv6=address[0] == "::" and socket.has_dualstack_ipv6(),
        )
    except (OSError, UnicodeError) as error:
        raise UserError(_why_not(error, host, port)) from None
    if sys.platform == "linux":
        listener.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_SECONDS * 1000
        )
    return listener


def _why_not(error: Exception, host: str, port: int) -> str:
    reason = getattr(error, "strerror", "") or "not a valid host"
    said = f"cannot listen on {host} port {port}: {reason}; "
    is_host = not isinstance(error, OSError) or error.errno in NO_ADDRESS
    if is_host or isinstance(error, socket.gaierror):
        if os.environ.get("HOST") == host:
            # zsh and tcsh set it to the machine's name.
            said += "the environment variable HOST says so; "
        return said + "choose an address of this machine, such as --host 127.0.0.1"
    return said + "choose another, for example with --port 5002 or PORT=5002"


def url_of(listener: socket.socket) -> str:
    """The URL of the listener, for a browser on this machine."""
    host, port = listener.getsockname()[:2]
    # A listener on :: takes IPv4, too, which every machine has.
    own = "127.0.0.1" if socket.has_dualstack_ipv6() else "::1"
    host = {"0.0.0.0": "127.0.0.1", "::": own}.get(host, host)  # noqa: S104
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
