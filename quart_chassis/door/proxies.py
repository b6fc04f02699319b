"""What a trusted proxy says of a request: who sent it, how, and below which path."""

import re
from typing import TYPE_CHECKING, Any, cast

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from quart_chassis.door.answers import Scope
from quart_chassis.settings import Settings

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework

BY_PROXIES = b"x-forwarded-"
PROTO = b"x-forwarded-proto"
SCHEMES = {b"http", b"https"}
# No segment is empty: // begins the name of another host.
# Nor is it a step up: a browser would resolve it.
PREFIX = re.compile(rb"((?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)+)/?")


def behind_proxies(door: Any, settings: Settings) -> "ASGIFramework":
    """`door`, which learns of FORWARDED_ALLOW_IPS proxies what they say.

    That is the caller's address, the scheme and X-Forwarded-Prefix.
    """
    middleware = Proxies(door, list(settings.FORWARDED_ALLOW_IPS))
    return cast("ASGIFramework", middleware)


class Proxies(ProxyHeadersMiddleware):
    """As Uvicorn's, and with a path below which everything is served."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        said = [
            each for each in scope.get("headers", ()) if each[0].startswith(BY_PROXIES)
        ]
        if not said:
            # Whose address it is need not be found out.
            await self.app(scope, receive, send)
            return
        if any(each[0] == PROTO and each[1] not in SCHEMES for each in said):
            scope["headers"] = [_in_our_words(*each) for each in scope["headers"]]
        prefixes = [value for name, value in said if name == b"x-forwarded-prefix"]
        client = scope.get("client")
        if len(prefixes) == 1 and client and client[0] in self.trusted_hosts:
            _take_prefix(scope, prefixes[0])
        await super().__call__(scope, receive, send)


def _in_our_words(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Some proxies name the scheme of the WebSocket, or write it in capitals."""
    if name != PROTO:
        return name, value
    said = value.strip().lower()
    return name, {b"ws": b"http", b"wss": b"https"}.get(said, said)


def _take_prefix(scope: Scope, given: bytes) -> None:
    """Have the prefix be the scope's `root_path`, whether the proxy cut it off or not.

    One that the server has is left as it is, and one that is no path is not believed.
    """
    prefix = PREFIX.fullmatch(given.strip())
    if not prefix or scope.get("root_path"):
        return
    raw = prefix[1]
    root = scope["root_path"] = raw.decode()
    if scope["path"] == root:
        scope["path"] += "/"
    elif not scope["path"].startswith(f"{root}/"):
        scope["path"] = root + scope["path"]
        if scope.get("raw_path"):
            scope["raw_path"] = raw + scope["raw_path"]


def path_of(scope: Scope) -> str:
    """The path below the server's `root_path`, as routes know it."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    return path.removeprefix(root) if path.startswith(f"{root}/") else path
