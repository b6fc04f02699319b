"""What happens to every request before Quart sees it, and to every answer after.

It happens in ASGI, on bytes, and for HTTP and WebSocket alike.
"""

import re
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

import structlog
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from werkzeug.exceptions import BadRequest, HTTPException

from quart_chassis.door import headers, hosts
from quart_chassis.door.draining import Draining
from quart_chassis.observe.metrics import Metrics
from quart_chassis.settings import Settings

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework

SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:=/+@-]{1,128}")
# nginx's number for a caller who left before there was an answer.
CALLER_LEFT = 499
SWITCHED_TO_WEBSOCKET = 101
# What a server answers to a handshake that is closed before it is accepted (ASGI,
# "Disconnect").
HANDSHAKE_REFUSED = 403

# Any: ASGI's messages are dictionaries of a shape that their type decides.
Message = dict[str, Any]
Scope = dict[str, Any]
Send = Callable[[Message], Awaitable[None]]
Refuse = Callable[[Scope, Send, HTTPException], Awaitable[None]]

log = structlog.stdlib.get_logger()


class Door:
    """An ASGI application in front of another one.

    Each request gets an id, a line in the log and a place in the metrics; each answer
    the security headers. A `Host` that is malformed or not among TRUSTED_HOSTS is
    answered by `refuse`, which has the application's own words for it.
    """

    def __init__(
        self,
        application: "ASGIFramework",
        refuse: Refuse,
        settings: Settings,
        metrics: Metrics,
        draining: Draining,
    ) -> None:
        self._application = cast(Any, application)
        self._refuse = refuse
        self._trusted_hosts = settings.TRUSTED_HOSTS
        self._production = settings.production
        self._metrics = metrics
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        request_id = _request_id(scope)
        answer = Answer(send, self._headers_for(scope, request_id))
        with structlog.contextvars.bound_contextvars(request_id=request_id.decode()):
            try:
                if self._knows_host(scope):
                    await self._application(scope, receive, answer.send)
                else:
                    error = BadRequest(
                        "The Host header is malformed, or no name of this site."
                    )
                    await self._refuse(scope, answer.send, error)
            finally:
                self._record(scope, answer)

    def _knows_host(self, scope: Scope) -> bool:
        """Whether the request may pass; a probe may, whatever its host."""
        host = b""
        for name, value in scope["headers"]:
            if name == b"host":
                host = value
        if hosts.is_answered(host.decode("latin-1"), self._trusted_hosts):
            return True
        # Quart would fail on a host that is no name.
        scope["headers"] = [each for each in scope["headers"] if each[0] != b"host"]
        return _raw_path(scope) in hosts.PROBES

    def _headers_for(
        self, scope: Scope, request_id: bytes
    ) -> Callable[[], headers.Headers]:
        """What to add to the answer, when it begins."""

        def added() -> headers.Headers:
            more = [(b"x-request-id", request_id)]
            # To be left out of answers in the clear (RFC 6797, 7.2).
            if self._production and scope["scheme"] in {"https", "wss"}:
                more.append(headers.HSTS)
            if self._draining.begun:
                more.append(headers.CLOSE)
            return more

        return added

    def _record(self, scope: Scope, answer: "Answer") -> None:
        method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
        route = scope.get("route", "none")
        self._metrics.answered(method, route, answer.status, answer.seconds)
        log.info(
            "request",
            method=method,
            # Not decoded, so that no caller can write line ends into a log.
            path=_raw_path(scope).decode("latin-1"),
            status=answer.status,
            milliseconds=round((perf_counter() - answer.arrived) * 1000, 1),
        )


class Answer:
    """An answer on its way out: its status, and the seconds until it began."""

    def __init__(self, send: Send, added: Callable[[], headers.Headers]) -> None:
        self._send = send
        self._added = added
        self.arrived = perf_counter()
        self.status = CALLER_LEFT
        self.seconds: float | None = None

    async def send(self, message: Message) -> None:
        """Send on what the application sends, with the headers that belong to it."""
        match message["type"]:
            case "http.response.start" | "websocket.http.response.start":
                self._began(message["status"])
                message["headers"] = headers.completed(
                    message["headers"], self._added()
                )
            case "websocket.accept":
                self._began(SWITCHED_TO_WEBSOCKET)
                message["headers"] = [*message.get("headers", ()), *self._added()]
            case "websocket.close" if self.seconds is None:
                self._began(HANDSHAKE_REFUSED)
        await self._send(message)

    def _began(self, status: int) -> None:
        self.status = status
        self.seconds = perf_counter() - self.arrived


def behind_proxies(door: Door, settings: Settings) -> "ASGIFramework":
    """`door`, told by FORWARDED_ALLOW_IPS who asks and whether by HTTPS."""
    trusted = list(settings.FORWARDED_ALLOW_IPS)
    middleware: Any = ProxyHeadersMiddleware(cast(Any, door), trusted)
    return cast("ASGIFramework", middleware)


async def send_response(
    scope: Scope, send: Send, status: int, given: headers.Headers, body: bytes
) -> None:
    """Answer a request, or a handshake, with a whole response.

    A server that cannot give a handshake a body closes it (ASGI, "WebSocket Denial
    Response").
    """
    prefix = ""
    if scope["type"] == "websocket":
        prefix = "websocket."
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": 1000})
            return
    start = {"type": f"{prefix}http.response.start", "status": status}
    await send(start | {"headers": given})
    await send({"type": f"{prefix}http.response.body", "body": body})


def _request_id(scope: Scope) -> bytes:
    """The caller's `X-Request-ID` if it is short and plain, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and SANE_REQUEST_ID.fullmatch(value):
            found: bytes = value
            return found
    return uuid4().hex.encode()


def _raw_path(scope: Scope) -> bytes:
    """The path as it was sent; a server that does not tell it has decoded it."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    return path
