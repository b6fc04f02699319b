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
    allowed = app.settings(CounterSettings).COUNTER_NAMES

    async def home(scope: Scope) -> Quick | None:
        value = await _count(scope, names.HOME)
        page = filled.find(app, scope, views.PAGE, value, views.unit_of(value))
        return None if page is None else fast_lane.quick(page.encode(), OF_PAGE)

    async def badge(scope: Scope, name: str) -> Quick | None:
        name = name.lower()
        if not names.is_name(name) or not names.is_allowed(name, allowed):
            return None
        value = await _count(scope, name)
        text = filled.find(app, scope, views.BADGE, value, name)
        return None if text is None else fast_lane.quick(text.encode(), OF_BADGE)

    async def increment(_scope: Scope, name: str) -> Quick | None:
        if not names.is_name(name) or not names.is_allowed(name, allowed):
            return None
        counted = await counting.count_in(app, name)
        body = msgspec.json.encode(CounterValue(name, counted.value))
        return fast_lane.quick(body, OF_API)

    async def read(_scope: Scope, name: str) -> Quick | None:
        if not names.is_name(name):
            return None
        async with app.app_context(), begin() as connection:
            counter = await queries.read(connection, name)
        if counter is None:
            return None
        return fast_lane.quick(msgspec.json.encode(CounterBody(*counter)), OF_API)

    async def _count(scope: Scope, name: str) -> int:
        """The new value, which the view finds if it must answer."""
        counted = scope[COUNTED] = await counting.count_in(app, name)
        return counted.value

    add = fast_lane.add
    add(app, "counter_app.home", home, knows=KNOWN_HOOKS)
    add(app, "counter_app.badge", badge, knows=KNOWN_HOOKS)
    add(app, "counter_api.increment", increment, method="POST", knows=KNOWN_HOOKS)
    add(app, "counter_api.read", read, knows=KNOWN_HOOKS)
