"""The fast lane of badges whose address asks for nothing (docs/fast-lane.md)."""

from typing import Any

from my_app.badge_app.views import BADGE, NOT_KEPT
from my_app.counter_app import lane
from quart_chassis.application import Application
from quart_chassis.web import fast_lane
from quart_chassis.web.fast_lane import Quick

HEADERS = (
    (b"content-type", b"image/svg+xml; charset=utf-8"),
    (b"x-counted", b"1"),
    (b"cache-control", NOT_KEPT.encode()),
    (b"cross-origin-resource-policy", b"cross-origin"),
)


def install(app: Application) -> None:
    """Answer them at the door."""

    async def badge(scope: dict[str, Any], name: str) -> Quick | None:
        name = name.lower()
        text = await lane.visit(app, scope, name, BADGE, lambda _: name)
        return fast_lane.quick(text.encode(), HEADERS) if text else None

    fast_lane.add(app, "badge_app.badge", badge, knows=lane.KNOWN_HOOKS)
