"""Requests that a feature answers at the door, before Quart (docs/fast-lane.md).

Only what is usual is answered so: a request with a query string, a body, a cookie or
any header that is not in the list goes to the view of the route, which says what is
right. So does an error that the lane raises.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from quart_chassis.door.answers import Scope, Send
from quart_chassis.door.callers import Caller, Receive
from quart_chassis.door.headers import Headers

# Headers that change nothing for a view. The door itself heeds some of them.
USUAL_HEADERS = {
    *(b"host", b"user-agent", b"accept", b"accept-encoding", b"accept-language"),
    *(b"connection", b"cache-control", b"pragma", b"priority", b"te", b"dnt"),
    *(b"referer", b"origin", b"upgrade-insecure-requests", b"x-request-id"),
    *(b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest", b"sec-fetch-user"),
    *(b"sec-ch-ua", b"sec-ch-ua-mobile", b"sec-ch-ua-platform", b"sec-gpc"),
    *(b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"),
    *(b"x-forwarded-port", b"x-real-ip", b"via", b"content-length"),
}
NO_BODY = {"type": "http.request", "body": b"", "more_body": False}
# Where a request's scope has the error of its lane, which its view is to raise.
FAILED = "quart_chassis.failed"
ARGUMENT = re.compile("<([a-z_]+)>")


class Quick(NamedTuple):
    """An answer as it is sent; the door adds the headers that every answer has."""

    status: int
    headers: Headers
    body: bytes


# None where the view is to answer.
Answer = Callable[..., Awaitable[Quick | None]]


@dataclass(frozen=True)
class Lane:
    """What answers a route; `answer` takes the scope and the route's arguments."""

    method: str
    route: str
    answer: Answer


class Lanes:
    """An ASGI application that answers what it can, in front of another one."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._fixed: dict[tuple[str, str], Lane] = {}
        self._shaped: list[tuple[re.Pattern[str], Lane]] = []

    def open(self, lanes: Iterable[Lane]) -> None:
        """Answer with these from now on, and with no others."""
        self._fixed.clear()
        self._shaped.clear()
        for lane in lanes:
            if ARGUMENT.search(lane.route):
                shape = ARGUMENT.sub(r"(?P<\1>[^/]+)", re.escape(lane.route))
                self._shaped.append((re.compile(shape), lane))
            else:
                self._fixed[lane.method, lane.route] = lane

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = self._find(scope) if scope["type"] == "http" else None
        if found is None or not _is_usual(scope):
            await self._application(scope, receive, send)
            return
        lane, values = found
        scope["route"] = lane.route
        caller = Caller(receive)
        answer: Quick | None = None
        try:
            answer = await lane.answer(scope, **values)
        except asyncio.CancelledError:
            if not caller.has_left():
                raise
            return
        except Exception as error:
            scope[FAILED] = error
        finally:
            caller.forget()
        if answer is None:
            await self._application(scope, _without_body(receive), send)
            return
        status, headers, body = answer
        head = {"type": "http.response.start", "status": status, "headers": headers}
        await send(head)
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def _find(self, scope: Scope) -> tuple[Lane, dict[str, str]] | None:
        path = scope["path"]
        if lane := self._fixed.get((scope["method"], path)):
            return lane, {}
        for shape, lane in self._shaped:
            if lane.method == scope["method"] and (found := shape.fullmatch(path)):
                return lane, found.groupdict()
        return None


def _without_body(receive: Receive) -> Receive:
    """What receives one empty body, whether or not the server's was received."""
    messages = [NO_BODY]

    async def receive_what_is_left() -> Any:
        if messages:
            return messages.pop()
        # Quart 0.23 fails at a second end of the body.
        while (message := await receive())["type"] == "http.request":
            pass
        return message

    return receive_what_is_left


def _is_usual(scope: Scope) -> bool:
    if scope["query_string"] or scope.get("root_path"):
        return False
    if not scope["http_version"].startswith("1"):
        # There a body may come of which no header tells.
        return False
    if scope["raw_path"] != scope["path"].encode():
        return False
    return all(
        name in USUAL_HEADERS and (name != b"content-length" or value == b"0")
        for name, value in scope["headers"]
    )
