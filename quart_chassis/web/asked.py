"""The request, or the handshake of a WebSocket, that is being answered."""

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from quart import has_request_context, request, websocket

if TYPE_CHECKING:
    from quart.wrappers.base import BaseRequestWebsocket

# What a proxy adds: its caller may be anywhere.
OF_PROXIES = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")


def asked() -> "BaseRequestWebsocket":
    """Whichever of the two this is."""
    return request if has_request_context() else websocket


def is_from_this_machine() -> bool:
    """Whether the caller is on this machine, and asks for it by its own name.

    A site can give its name this machine's address (DNS rebinding). A browser then
    takes us for that site, and names it as the host.
    """
    given = asked()
    if any(name in given.headers for name in OF_PROXIES):
        return False
    address, *_ = given.scope.get("client") or ("",)
    host = urlsplit(f"//{given.headers.get('Host', '')}").hostname
    return _is_loopback(address) and _is_loopback(host or "")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
