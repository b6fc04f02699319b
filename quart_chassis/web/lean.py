"""Quart does less for each request, by what it lets an application choose.

A view sees no difference. docs/decisions.md has what each of these gives.
"""

import asyncio
from functools import lru_cache, partial
from inspect import CO_COROUTINE
from typing import TYPE_CHECKING, Any, cast

from quart import Quart, Request, Response
from quart.asgi import ASGIHTTPConnection
from quart.typing import ResponseTypes
from quart.wrappers.base import BaseRequestWebsocket
from quart.wrappers.response import DataBody
from werkzeug.datastructures import Headers
from werkzeug.routing import MapAdapter

from quart_chassis.door.callers import Caller, again
from quart_chassis.door.lanes import FAILED
from quart_chassis.web.addresses import Addresses, Known
from quart_chassis.web.whole_urls import HostedRequest

if TYPE_CHECKING:
    from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable

# A server takes this much without waiting until the caller reads (asyncio's limit).
TAKEN_AT_ONCE = 65536
BODY_HEADERS = {b"content-length", b"transfer-encoding"}


class LeanConnection(ASGIHTTPConnection):
    """As Quart's, without two tasks where there is no body, and one message for one."""

    async def __call__(
        self, receive: "ASGIReceiveCallable", send: "ASGISendCallable"
    ) -> None:
        if _may_have_a_body(cast(Any, self.scope)):
            await super().__call__(receive, send)
            return
        first: Any = await receive()
        if first["type"] == "http.disconnect":
            return
        if first.get("body") or first.get("more_body"):
            # No header tells of it: a test's client, or another protocol below.
            await super().__call__(again(first, receive), send)
            return
        request = self._create_request_from_scope(send)
        request.body.set_complete()
        caller = Caller(receive)
        try:
            await self.handle_request(request, send)
        except asyncio.CancelledError:
            if not caller.has_left():
                raise
        finally:
            caller.forget()

    def _create_request_from_scope(self, send: "ASGISendCallable") -> Request:
        scope = cast(Any, self.scope)
        is_plain = scope["path"].startswith("/") and not scope.get("root_path")
        if scope["http_version"] < "1.1" or not is_plain:
            return super()._create_request_from_scope(send)
        headers = Headers()
        # Quart adds them one by one, each of which is checked again for line breaks.
        headers._list = [
            ("Remote-Addr", (scope.get("client") or ["<local>"])[0]),
            *(
                (_titled(name), value.decode("latin-1"))
                for name, value in scope["headers"]
            ),
        ]
        return self.app.request_class(
            scope["method"],
            scope["scheme"],
            scope["path"],
            scope["query_string"],
            headers,
            "",
            scope["http_version"],
            max_content_length=self.app.config["MAX_CONTENT_LENGTH"],
            body_timeout=self.app.config["BODY_TIMEOUT"],
            send_push_promise=partial(self._send_push_promise, send),
            scope=scope,
        )

    async def _send_response(
        self, send: "ASGISendCallable", response: ResponseTypes
    ) -> None:
        if not isinstance(response, Response) or not _is_ready(response):
            await super()._send_response(send, response)
            return
        body = cast(DataBody, response.response)
        head: Any = {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": [
                (_lowered(name), value.encode()) for name, value in response.headers
            ],
        }
        await send(head)
        content = body.data[body.begin : body.end]
        end: Any = {"type": "http.response.body", "body": content, "more_body": False}
        await send(end)


class LeanRequest(HostedRequest):
    """A request that finds its blueprints once for each endpoint."""

    @property
    def blueprints(self) -> list[str]:
        """The blueprint of the endpoint, and those around it."""
        return list(_blueprints_of(self.endpoint or ""))


class LeanQuart(Quart):
    """Quart with all of this."""

    asgi_http_class = LeanConnection

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._known = Known()
        super().__init__(*arguments, **options)

    def ensure_async(self, func: Any) -> Any:
        """As Quart's, which asks each function in five ways what it is."""
        code = getattr(func, "__code__", None)
        is_async = code is not None and code.co_flags & CO_COROUTINE
        return func if is_async else super().ensure_async(func)

    def add_url_rule(self, *arguments: Any, **options: Any) -> None:
        self._known = Known()
        super().add_url_rule(*arguments, **options)

    def create_url_adapter(
        self, request: BaseRequestWebsocket | None
    ) -> MapAdapter | None:
        """As Quart's; a host that routes depend on is looked at by each of them."""
        has_hosts = self.url_map.host_matching or self.subdomain_matching
        if has_hosts or not isinstance(request, Request):
            return super().create_url_adapter(request)
        find: Any = super().create_url_adapter
        return cast(MapAdapter, Addresses(self._known, request, find))

    async def preprocess_request(self, *context: Any) -> Any:
        """As Quart's; raises for the view what its lane could not answer."""
        if error := context[0].request.scope.get(FAILED):
            raise error
        return await super().preprocess_request(*context)

    async def handle_request(self, request: Request) -> ResponseTypes:
        """As Quart's; what a server takes at once needs no time limit, and no task."""
        response = await super().handle_request(request)
        if isinstance(response, Response) and response.timeout is Ellipsis:
            response.timeout = None if _is_ready(response) else Ellipsis
        return response


def _is_ready(response: Response) -> bool:
    """Whether a server takes the whole body at once."""
    body = response.response
    return type(body) is DataBody and len(body.data) <= TAKEN_AT_ONCE


def _may_have_a_body(scope: dict[str, Any]) -> bool:
    """Whether the server may wait for one; HTTP/2 has some of which no header tells."""
    if not scope["http_version"].startswith("1"):
        return True
    return any(name in BODY_HEADERS for name, _ in scope["headers"])


# Bounded, because a caller may send any name.
@lru_cache(maxsize=256)
def _titled(name: bytes) -> str:
    return name.decode("latin-1").title()


@lru_cache(maxsize=256)
def _lowered(name: str) -> bytes:
    return name.lower().encode()


@lru_cache(maxsize=1024)
def _blueprints_of(endpoint: str) -> tuple[str, ...]:
    """As Quart has them: the innermost first."""
    parts = endpoint.split(".")[:-1]
    return tuple(".".join(parts[:count]) for count in range(len(parts), 0, -1))
