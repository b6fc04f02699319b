"""The ASGI layer in front of Quart: hosts, request ids, logs, metrics and headers.

It works on ASGI messages, for HTTP and WebSocket alike.
"""

import re
from collections.abc import Awaitable, Callable
from os import urandom
from time import perf_counter
from typing import Any
from urllib.parse import quote

from structlog.contextvars import bind_contextvars, reset_contextvars
from werkzeug.exceptions import (
    BadRequest,
    Forbidden,
    HTTPException,
    UnsupportedMediaType,
)

from quart_chassis.door import headers, hosts, origins
from quart_chassis.door.answers import Answer, Scope, Send
from quart_chassis.door.draining import Draining
from quart_chassis.door.handshakes import Handshake
from quart_chassis.door.proxies import path_of
from quart_chassis.observe import requests
from quart_chassis.observe.metrics import Metrics
from quart_chassis.settings import Settings

SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:=/+@-]{1,128}")
# What a view sets in its scope if it is neither to be logged nor measured.
UNLOGGED = "quart_chassis.unlogged"
Refuse = Callable[[Scope, Send, HTTPException], Awaitable[None]]


class Door:
    """An ASGI application in front of another one.

    Each request gets an id, a line in the log and a count in the metrics; each response
    gets the security headers. `refuse` answers with an error page of the application
    if a request's `Host` is malformed or not in TRUSTED_HOSTS, or if a page of another
    origin wants to change something.
    """

    def __init__(
        self,
        application: Any,
        refuse: Refuse,
        settings: Settings,
        metrics: Metrics,
        draining: Draining,
    ) -> None:
        self._application = application
        self._refuse = refuse
        self._trusted_hosts = settings.TRUSTED_HOSTS
        self._cors_origins = settings.CORS_ORIGINS
        self._production = settings.production
        self._metrics = metrics
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
            return
        if not scope.get("raw_path"):
            # A server may leave it out (ASGI, "HTTP Connection Scope").
            scope["raw_path"] = quote(scope["path"]).encode()
        secure = self._production and scope["scheme"] in {"https", "wss"}
        answer = Answer(send, _request_id(scope), secure, self._draining)
        send = answer.send
        if scope["type"] == "websocket":
            handshake = Handshake(receive, answer)
            receive, send = handshake.receive, handshake.send
        bound = bind_contextvars(request_id=answer.request_id)
        try:
            if error := self._objection(scope):
                await self._refuse(scope, send, error)
            else:
                await self._application(scope, receive, send)
        except Exception as error:
            # The server logs it, after the request's id was forgotten.
            error.add_note(f"Request id: {answer.request_id}")
            answer.fail()
            raise
        finally:
            self._record(scope, answer)
            reset_contextvars(**bound)

    def _objection(self, scope: Scope) -> HTTPException | None:
        """Why the request may not pass, or None."""
        if not self._knows_host(scope):
            return BadRequest("The Host header is malformed, or names another site.")
        if error := _objection_to_coding(scope):
            return error
        foreign = origins.changes(scope) and origins.is_foreign(scope)
        if foreign and not self._may_call_api(scope):
            return Forbidden("A page of another site sent this, so nothing was done.")
        return None

    def _may_call_api(self, scope: Scope) -> bool:
        """Whether CORS_ORIGINS lets scripts of another origin do this."""
        listed = {"*", origins.origin_of(scope)} & set(self._cors_origins)
        return bool(listed) and path_of(scope).startswith("/api/")

    def _knows_host(self, scope: Scope) -> bool:
        """Whether the request may pass; a probe may with any host."""
        given = [value for name, value in scope["headers"] if name == b"host"]
        # One, and no more (RFC 9112, 3.2); the application might read another one.
        if len(given) == 1:
            host = given[0].decode("latin-1")
            if hosts.is_answered(host, self._trusted_hosts):
                return True
        # Quart would fail on a malformed host.
        scope["headers"] = [each for each in scope["headers"] if each[0] != b"host"]
        return path_of(scope) in hosts.PROBES

    def _record(self, scope: Scope, answer: Answer) -> None:
        if scope.get(UNLOGGED):
            return
        method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
        route = scope.get("route", "none")
        self._metrics.answered(method, route, answer.status, answer.seconds)
        requests.write(
            requests.Line(
                method=method,
                path=scope["raw_path"].decode("latin-1"),
                status=answer.status,
                milliseconds=round((perf_counter() - answer.arrived) * 1000, 1),
                request_id=answer.request_id,
            )
        )


async def send_response(
    scope: Scope, send: Send, status: int, given: headers.Headers, body: bytes
) -> None:
    """Answer a request or a handshake with a complete response.

    A handshake is closed if the server cannot send a body (ASGI, "WebSocket Denial
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
    end = {"type": f"{prefix}http.response.body", "body": body, "more_body": False}
    await send(end)


def _objection_to_coding(scope: Scope) -> HTTPException | None:
    """Why the body cannot be read as it was meant, or None.

    Servers take any transfer coding that ends with `chunked` for chunked alone, also
    from HTTP/1.0, where it has no meaning (RFC 9112, 6.1).
    """
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" and (
            value.strip().lower() != b"chunked" or scope["http_version"] == "1.0"
        ):
            return BadRequest("This Transfer-Encoding is not supported.")
        if name == b"content-encoding" and value.strip().lower() != b"identity":
            return UnsupportedMediaType("A body must not have a Content-Encoding.")
    return None


def _request_id(scope: Scope) -> str:
    """The caller's `X-Request-ID` if it is short and plain, else a new one."""
    for name, value in scope["headers"]:
        if name == b"x-request-id" and SANE_REQUEST_ID.fullmatch(value):
            found: str = value.decode()
            return found
    return urandom(16).hex()
