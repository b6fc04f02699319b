"""What a trusted proxy says of a request: who sent it, how, and below which path."""

import re
from typing import TYPE_CHECKING, Any, cast

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from quart_chassis.door.answers import Scope
from quart_chassis.settings import Settings

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework

# No segment is empty: // begins the name of another host.
PREFIX = re.compile(rb"((?:/[A-Za-z0-9._~-]+)+)/?")


def behind_proxies(door: Any, settings: Settings) -> "ASGIFramework":
    """`door`, which learns of FORWARDED_ALLOW_IPS proxies what they say.

    That is the caller's address, the scheme and X-Forwarded-Prefix.
    """
    middleware = Proxies(door, list(settings.FORWARDED_ALLOW_IPS))
    return cast("ASGIFramework", middleware)


class Proxies(ProxyHeadersMiddleware):
    """As Uvicorn's, and with a path below which everything is served."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        client = scope.get("client")
        if client and client[0] in self.trusted_hosts:
            _take_prefix(scope)
        await super().__call__(scope, receive, send)


def _take_prefix(scope: Scope) -> None:
    """Have the prefix be the scope's `root_path`, whether the proxy cut it off or not.

    One that the server has is left as it is, and one that is no path is not believed.
    """
    given = [value for name, value in scope["headers"] if name == b"x-forwarded-prefix"]
    prefix = PREFIX.fullmatch(given[0].strip()) if len(given) == 1 else None
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
