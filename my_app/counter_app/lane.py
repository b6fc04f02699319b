"""The fast lane: usual visits, increments and reads, answered at the door.

It is as the views in `views.py` and `api.py` are, which answer everything else; they
need nothing of it. docs/fast-lane.md explains the pattern.
"""

from typing import Any

import msgspec

from my_app.counter_app import (
    api,
    counting,
    names,
    queries,
    robots,
    views,
)
from my_app.counter_app.counting import COUNTED
from my_app.counter_app.schemas import CounterBody, CounterValue
from my_app.counter_app.settings import CounterSettings
from quart_chassis.application import Application
from quart_chassis.database import begin
from quart_chassis.web import fast_lane, filled
from quart_chassis.web.fast_lane import Quick

Scope = dict[str, Any]
Headers = tuple[tuple[bytes, bytes], ...]
# The API looks at every address, and lets these pass.
KNOWN_HOOKS = (api.refuse_slashes_in_names,)
# The headers of each kind of answer, as its view sets them.
OF_PAGE = ((b"content-type", b"text/html; charset=utf-8"), (b"x-counted", b"1"))
OF_BADGE = (
    (b"content-type", b"image/svg+xml; charset=utf-8"),
    (b"x-counted", b"1"),
    (b"cache-control", views.NOT_KEPT.encode()),
    (b"cross-origin-resource-policy", b"cross-origin"),
)
OF_API = ((b"content-type", b"application/json"),)


def install(app: Application) -> None:
    """Answer the page, badges, reads and increments without keys at the door."""
    chosen = app.settings(CounterSettings)

    async def home(scope: Scope) -> Quick | None:
        return await visit(scope, names.HOME, views.PAGE, OF_PAGE)

    async def badge(scope: Scope, name: str) -> Quick | None:
        return await visit(scope, name.lower(), views.BADGE, OF_BADGE)

    async def visit(
        scope: Scope, name: str, template: str, headers: Headers
    ) -> Quick | None:
        if not may_be_counted(name) or (not chosen.COUNT_ROBOTS and _is_robots(scope)):
            return None
        # The view finds it there if it must answer.
        counted = scope[COUNTED] = await counting.count_in(app, name)
        kind = views.unit_of(counted.value) if template == views.PAGE else name
        text = filled.find(app, scope, template, counted.value, kind)
        return fast_lane.quick(text.encode(), headers) if text else None

    async def increment(_scope: Scope, name: str) -> Quick | None:
        if not may_be_counted(name):
            return None
        counted = await counting.count_in(app, name)
        return _answer(CounterValue(name, counted.value))

    async def read(_scope: Scope, name: str) -> Quick | None:
        if not names.is_name(name):
            return None
        async with app.app_context(), begin() as connection:
            counter = await queries.read(connection, name)
        return _answer(CounterBody(*counter)) if counter else None

    def may_be_counted(name: str) -> bool:
        return names.is_name(name) and names.is_allowed(name, chosen.COUNTER_NAMES)

    add = fast_lane.add
    add(app, "counter_app.home", home, knows=KNOWN_HOOKS)
    add(app, "counter_app.badge", badge, knows=KNOWN_HOOKS)
    add(app, "counter_api.increment", increment, method="POST", knows=KNOWN_HOOKS)
    add(app, "counter_api.read", read, knows=KNOWN_HOOKS)


def _answer(model: msgspec.Struct) -> Quick:
    return fast_lane.quick(msgspec.json.encode(model), OF_API)


def _is_robots(scope: Scope) -> bool:
    return any(
        name == b"user-agent" and robots.is_robot(value.decode("latin-1"))
        for name, value in scope["headers"]
    )
