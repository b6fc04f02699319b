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
from werkzeug.routing import MapAdapter, Rule

from quart_chassis.web.whole_urls import HostedRequest

if TYPE_CHECKING:
    from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable

# When a view that still runs hears whether its caller has left.
NOTICE_SECONDS = 0.1
# A server takes this much without waiting until the caller reads (asyncio's limit).
TAKEN_AT_ONCE = 65536
MOST_ADDRESSES = 1024
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
            await super().__call__(_again(first, receive), send)
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


class Caller:
    """Who waits for the answer; the current task is cancelled if they leave."""

    def __init__(self, receive: "ASGIReceiveCallable") -> None:
        self._receive = receive
        self._left = False
        self._task = cast("asyncio.Task[None]", asyncio.current_task())
        self._follower: asyncio.Task[None] | None = None
        # Most answers are there before.
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(NOTICE_SECONDS, self._begin_to_follow)

    def has_left(self) -> bool:
        """Whether the task was cancelled for that, and need not be for more."""
        return self._left and not self._task.uncancel()

    def forget(self) -> None:
        """Care no longer whether they leave."""
        self._timer.cancel()
        if self._follower:
            self._follower.cancel()

    def _begin_to_follow(self) -> None:
        self._follower = asyncio.ensure_future(self._follow())

    async def _follow(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        self._task.cancel()


class LeanRequest(HostedRequest):
    """A request that finds its blueprints once for each endpoint."""

    @property
    def blueprints(self) -> list[str]:
        """The blueprint of the endpoint, and those around it."""
        return list(_blueprints_of(self.endpoint or ""))


class Addresses:
    """A request's addresses, as werkzeug has them, found when they are asked for.

    Which route a path has is remembered where there is nothing in it to be parsed.
    """

    def __init__(self, app: "LeanQuart", request: Request) -> None:
        self._app = app
        self._request = request
        self._adapter: MapAdapter | None = None

    def match(self, *arguments: Any, **options: Any) -> Any:
        """As `MapAdapter.match`."""
        if arguments or options != {"return_rule": True}:
            return self._found.match(*arguments, **options)
        key = (self._request.path, self._request.method)
        if known := self._app.fixed_routes.get(key):
            return known, {}
        rule, values = self._found.match(return_rule=True)
        if not rule.arguments and not values:
            self._app.fixed_routes[key] = rule
        return rule, values

    def build(
        self,
        endpoint: str,
        values: dict[str, Any],
        method: str | None = None,
        force_external: bool = False,
    ) -> str:
        """As `MapAdapter.build`; remembers what has no values, and static files."""
        named = values.get("filename")
        if method or force_external or values.keys() - {"filename"}:
            return self._found.build(endpoint, values, method, force_external)
        key = (self._request.root_path, endpoint, named)
        if key not in (known := self._app.fixed_addresses):
            address = self._found.build(endpoint, values, method)
            if not address.startswith("/") or len(known) >= MOST_ADDRESSES:
                # That of a WebSocket has the host; or names come from callers.
                return address
            known[key] = address
        return known[key]

    @property
    def url_scheme(self) -> str:
        """Quart sets it, too."""
        return self._found.url_scheme

    @url_scheme.setter
    def url_scheme(self, scheme: str) -> None:
        self._found.url_scheme = scheme

    def __getattr__(self, name: str) -> Any:
        return getattr(self._found, name)

    @property
    def _found(self) -> MapAdapter:
        if self._adapter is None:
            self._adapter = self._app.full_url_adapter(self._request)
        return self._adapter


class LeanQuart(Quart):
    """Quart with all of this."""

    asgi_http_class = LeanConnection

    def __init__(self, *arguments: Any, **options: Any) -> None:
        # By path and method; as many as the application has routes.
        self.fixed_routes: dict[tuple[str, str], Rule] = {}
        # By path prefix, endpoint and file.
        self.fixed_addresses: dict[tuple[str, str, str | None], str] = {}
        super().__init__(*arguments, **options)

    def ensure_async(self, func: Any) -> Any:
        """As Quart's, which asks each function in five ways what it is."""
        code = getattr(func, "__code__", None)
        is_async = code is not None and code.co_flags & CO_COROUTINE
        return func if is_async else super().ensure_async(func)

    def add_url_rule(self, *arguments: Any, **options: Any) -> None:
        self.fixed_routes.clear()
        self.fixed_addresses.clear()
        super().add_url_rule(*arguments, **options)

    def create_url_adapter(
        self, request: BaseRequestWebsocket | None
    ) -> MapAdapter | None:
        """As Quart's; a host that routes depend on is looked at by each of them."""
        has_hosts = self.url_map.host_matching or self.subdomain_matching
        if has_hosts or not isinstance(request, Request):
            return super().create_url_adapter(request)
        return cast(MapAdapter, Addresses(self, request))

    def full_url_adapter(self, request: Request) -> MapAdapter:
        """Quart's own adapter for the request."""
        return cast(MapAdapter, super().create_url_adapter(request))

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


def _again(first: Any, receive: "ASGIReceiveCallable") -> "ASGIReceiveCallable":
    """What receives the message `first` once more, and then the others."""
    messages = [first]

    async def receive_again() -> Any:
        return messages.pop() if messages else await receive()

    return receive_again


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
