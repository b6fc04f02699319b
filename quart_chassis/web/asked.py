"""The request, or the handshake of a WebSocket, that is being answered."""

from typing import TYPE_CHECKING

from quart import has_request_context, request, websocket

if TYPE_CHECKING:
    from quart.wrappers.base import BaseRequestWebsocket


def asked() -> "BaseRequestWebsocket":
    """Whichever of the two this is."""
    return request if has_request_context() else websocket
