"""The fast lane: usual visits, increments and reads, answered at the door.

It is as the views in `views.py` and `api.py` are, which answer everything else; they
need nothing of it. docs/fast-lane.md explains the pattern.
"""

from collections.abc import Callable, Hashable
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
# The API looks at every address, and lets these pass.
KNOWN_HOOKS = (api.refuse_slashes_in_names,)
# The headers of each kind of answer, as its view sets them.
OF_PAGE = ((b"content-type", b"text/html; charset=utf-8"), (b"x-counted", b"1"))
OF_API = ((b"content-type", b"application/json"),)


def install(app: Application) -> None:
    """Answer the page, reads and increments without keys at the door."""

    async def home(scope: Scope) -> Quick | None:
        text = await visit(app, scope, names.HOME, views.PAGE, views.kind_of)
        return fast_lane.quick(text.encode(), OF_PAGE) if text else None

    async def increment(_scope: Scope, name: str) -> Quick | None:
        if not _may_be_counted(app, name):
            return None
        counted = await counting.count_in(app, name)
        return _answer(CounterValue(name, counted.value))

    async def read(_scope: Scope, name: str) -> Quick | None:
        if not names.is_name(name):
            return None
        async with app.app_context(), begin(read_only=True) as connection:
            counter = await queries.read(connection, name)
        return _answer(CounterBody(*counter)) if counter else None

    add = fast_lane.add
    add(app, "counter_app.home", home, knows=KNOWN_HOOKS)
    add(app, "counter_api.increment", increment, method="POST", knows=KNOWN_HOOKS)
    add(app, "counter_api.read", read, knows=KNOWN_HOOKS)


async def visit(
    app: Application,
    scope: Scope,
    name: str,
    template: str,
    kind_of: Callable[[int], Hashable],
) -> str | None:
    """What a view of visits shows, the visit counted; None where the view is to answer.

    It may be counted by then: the view finds that, and does not count it again.
    `kind_of` a value is what the view calls `filled.render` with.
    """
    is_robots = not app.settings(CounterSettings).COUNT_ROBOTS and _is_robots(scope)
    if is_robots or not _may_be_counted(app, name):
        return None
    counted = scope[COUNTED] = await counting.count_in(app, name)
    return filled.find(app, scope, template, counted.value, kind_of(counted.value))


def _may_be_counted(app: Application, name: str) -> bool:
    allowed = app.settings(CounterSettings).COUNTER_NAMES
    return names.is_name(name) and names.is_allowed(name, allowed)


def _answer(model: msgspec.Struct) -> Quick:
    return fast_lane.quick(msgspec.json.encode(model), OF_API)


def _is_robots(scope: Scope) -> bool:
    return any(
        name == b"user-agent" and robots.is_robot(value.decode("latin-1"))
        for name, value in scope["headers"]
    )
