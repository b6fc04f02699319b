"""How large the body of a request may be, and how long it may take."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from quart import Quart
from werkzeug.exceptions import HTTPException

from quart_chassis.web.lean import LeanRequest

LIMIT_ATTRIBUTE = "_quart_chassis_largest_body"
SECONDS_ATTRIBUTE = "_quart_chassis_body_seconds"

View = TypeVar("View", bound=Callable[..., Any])


def accepts_body(largest_bytes: int, seconds: float = 0) -> Callable[[View], View]:
    """The view for bodies of up to `largest_bytes`, instead of BODY_LIMIT_BYTES.

    They are kept in memory, and must arrive within `seconds`, or within five like all
    others if that is more. A server that stops does not wait for them longer than for
    other requests.
    """

    def mark(view: View) -> View:
        setattr(view, LIMIT_ATTRIBUTE, largest_bytes)
        setattr(view, SECONDS_ATTRIBUTE, seconds)
        return view

    return mark


def limit_of(view: Callable[..., Any]) -> int | None:
    """The view's own limit in bytes, if it has one."""
    limit: int | None = getattr(view, LIMIT_ATTRIBUTE, None)
    return limit


def install(app: Quart) -> None:
    """Have each request of `app` bounded as its view says.

    Bodies are read while the view still waits for its turn, so the view itself would
    be too late.
    """

    @cache
    def own() -> dict[str, tuple[int, float]]:
        return {
            name: (limit, getattr(view, SECONDS_ATTRIBUTE, 0))
            for name, view in app.view_functions.items()
            if (limit := limit_of(view))
        }

    class BoundedRequest(LeanRequest):
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            if own() and self.method != "GET":
                self._set_limit()

        def _set_limit(self) -> None:
            adapter = app.create_url_adapter(self)
            assert adapter, "there is one for every request"
            try:
                endpoint, _ = adapter.match()
            except HTTPException:
                return
            if endpoint not in own():
                return
            self.max_content_length, seconds = own()[endpoint]
            self.body = self.body_class(self.content_length, self.max_content_length)
            # Under `run --reload` all have an hour.
            self.body_timeout = max(seconds, app.config["BODY_TIMEOUT"])

    app.request_class = BoundedRequest
