"""Whether a page of another origin sent a request: no page of ours needs a token.

The rules are those of Go's `http.CrossOriginProtection` (net/http/csrf.go, Go 1.25).
`Sec-Fetch-Site` decides if it is there: every browser since 2023 sends it to https and
to this machine. To plain http elsewhere none does, and there `Origin` decides: its host
and port must be those of `Host`, where a scheme's own port may be left out. Without
either header no browser sent the request, or none that could have been misled.

Three things differ. `same-site` is refused by Go, too, but here a page whose origin is
http is also foreign to https, because the scheme is known; the other way round passes,
because a proxy that is not trusted may have ended TLS. `Host` is what counts, also
where a request line names another one (Go prefers that), as Quart reads no other. A
request without `Host`, as in HTTP/1.0, does not come this far.
"""

from typing import Any
from urllib.parse import urlsplit

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}
OURS = {b"same-origin", b"none"}
PORTS = {"http": 80, "https": 443}


def changes(scope: dict[str, Any]) -> bool:
    """Whether a request may change something; a WebSocket may, once it is open."""
    return scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS


def is_foreign(scope: dict[str, Any]) -> bool:
    """Whether a page of another origin sent this."""
    if sites := _values(scope, b"sec-fetch-site"):
        return not OURS.issuperset(sites)
    origins = _values(scope, b"origin")
    if not origins:
        return False
    hosts = _values(scope, b"host")
    return len(origins) > 1 or len(hosts) != 1 or not _is_own(scope, *origins, *hosts)


def origin_of(scope: dict[str, Any]) -> str:
    """The origin that the request names, or nothing."""
    return b",".join(_values(scope, b"origin")).decode("latin-1")


def _values(scope: dict[str, Any], name: bytes) -> list[bytes]:
    return [value for each, value in scope["headers"] if each == name and value]


def _is_own(scope: dict[str, Any], origin: bytes, host: bytes) -> bool:
    try:
        given = urlsplit(origin.decode("ascii"))
        own = urlsplit(f"//{host.decode('ascii')}")
        default = PORTS[given.scheme]
        same = (given.hostname, given.port or default) == (
            own.hostname,
            own.port or default,
        )
    except (KeyError, ValueError):
        # `null`, an app's own scheme, or nothing that a browser sends.
        return False
    return same and not (given.scheme == "http" and scope["scheme"] in {"https", "wss"})
