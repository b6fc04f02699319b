"""A response on its way to the caller."""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from quart_chassis.door import headers
from quart_chassis.door.draining import Draining

# nginx's status for a caller who disconnected before the response began.
CALLER_LEFT = 499
FAILED = 500
SWITCHED_TO_WEBSOCKET = 101
# The status a server sends when a handshake is closed before it is accepted (ASGI,
# "Disconnect").
HANDSHAKE_REFUSED = 403

# Any: the shape of an ASGI message depends on its type.
Message = dict[str, Any]
Scope = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]


class Answer:
    """A response being sent: its status, and the seconds until it began.

    `secure` says that it goes over HTTPS, in production.
    """

    def __init__(
        self, send: Send, request_id: str, secure: bool, draining: Draining
    ) -> None:
        self._send = send
        self.request_id = request_id
        self._added = [(b"x-request-id", request_id.encode())]
        # Must not be sent over plain HTTP (RFC 6797, 7.2).
        self._added += [headers.HSTS] * secure
        self._draining = draining
        self.arrived = perf_counter()
        self.status = CALLER_LEFT
        self.seconds: float | None = None

    async def send(self, message: Message) -> None:
        """Forward a message of the application, with the added headers."""
        match message["type"]:
            case "http.response.start" | "websocket.http.response.start":
                self._began(message["status"])
                closing = [headers.CLOSE] * self._draining.begun
                message["headers"] = headers.completed(
                    message["headers"], self._added + closing
                )
            case "websocket.accept":
                self._began(SWITCHED_TO_WEBSOCKET)
                message["headers"] = [*message.get("headers", ()), *self._added]
            case "websocket.close" if self.seconds is None:
                self._began(HANDSHAKE_REFUSED)
        await self._send(message)

    def fail(self) -> None:
        """Note that the application raised: the server answers 500 if it still can."""
        if self.seconds is None:
            self._began(FAILED)

    def _began(self, status: int) -> None:
        self.status = status
        self.seconds = perf_counter() - self.arrived
