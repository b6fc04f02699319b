"""What one WebSocket may send and keep."""

from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.websockets.wsproto_impl import WSProtocol
from wsproto.events import Ping

# Uvicorn takes 16 MiB, and keeps a message until it is whole.
LARGEST_MESSAGE_BYTES = 2**20


class BoundedWebSocket(WSProtocol):
    """Uvicorn's WebSocket, which answers no pings of a caller that reads nothing.

    Of several pings only the last need be answered (RFC 6455, 5.5.3).
    """

    def handle_ping(self, event: Ping) -> None:
        if self.writable.is_set():
            super().handle_ping(event)


# Compressed messages are declined: a hundred megabytes fit into a hundred kilobytes,
# and are there before their length is known.
OPTIONS: dict[str, Any] = {
    "ws": BoundedWebSocket,
    "ws_max_size": LARGEST_MESSAGE_BYTES,
    "ws_per_message_deflate": False,
}


def is_malformed(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether wsproto would fail on a handshake with these headers."""
    return any(
        name.startswith(b"sec-websocket-") and not value.isascii()
        for name, value in headers
    )
