"""A request's addresses: which route it has, and what `url_for` builds."""

from collections.abc import Callable
from typing import Any

from quart import Request
from werkzeug.routing import MapAdapter, Rule

MOST_BUILT = 1024


class Known:
    """What is the same for every request of an application.

    `routes` has those without arguments, by path and method; `built` the addresses of
    them and of static files, by path prefix, endpoint and file.
    """

    def __init__(self) -> None:
        self.routes: dict[tuple[str, str], Rule] = {}
        self.built: dict[tuple[str, str, str | None], str] = {}


class Addresses:
    """A request's addresses, as werkzeug has them, found when they are asked for.

    Which route a path has is remembered where there is nothing in it to be parsed.
    """

    def __init__(
        self, known: Known, request: Request, find: Callable[[Request], MapAdapter]
    ) -> None:
        self._known = known
        self._find = find
        self._request = request
        self._adapter: MapAdapter | None = None

    def match(self, *arguments: Any, **options: Any) -> Any:
        """As `MapAdapter.match`."""
        if arguments or options != {"return_rule": True}:
            return self._found.match(*arguments, **options)
        key = (self._request.path, self._request.method)
        if known := self._known.routes.get(key):
            return known, {}
        rule, values = self._found.match(return_rule=True)
        if not rule.arguments and not values:
            self._known.routes[key] = rule
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
        if key not in (built := self._known.built):
            address = self._found.build(endpoint, values, method)
            if not address.startswith("/") or len(built) >= MOST_BUILT:
                # That of a WebSocket has the host; or names come from callers.
                return address
            built[key] = address
        return built[key]

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
            self._adapter = self._find(self._request)
        return self._adapter
