"""Visits: which requests are some, counting them, and saying so in the answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from quart import Blueprint, Request, Response, request
from sqlalchemy.ext.asyncio import AsyncConnection
from werkzeug.exceptions import HTTPException

from my_app.counter_app import (
    counting,
    not_me,
    queries,
    sightings,
)
from my_app.counter_app.increments import (
    BoundReached,
    CounterFull,
)
from my_app.counter_app.robots import is_robot
from my_app.counter_app.settings import CounterSettings
from quart_chassis import settings, web
from quart_chassis.database import DatabaseUnavailable, begin

PREVIEWS = {"Sec-Purpose", "Purpose", "X-Purpose", "X-Moz"}
PREVIEW_WORDS = ("prefetch", "prerender", "preview")


class Visit(NamedTuple):
    """A counter's value as a caller sees it; `reason` is why this was no visit."""

    value: int
    is_counted: bool
    reason: str = ""


async def visit(name: str) -> Visit:
    """Count a visit on the counter, if the current request is one.

    The errors are those of `counting.count`.
    """
    count_robots = settings.current(CounterSettings).COUNT_ROBOTS
    if reason := why_not(request, count_robots):
        counting.note_no_visit(reason)
        if reason == "robot":
            sightings.note(name)
        return (await look(name))._replace(reason=reason)
    by_the_lane: Any = request.scope.get(counting.COUNTED)
    counted = by_the_lane or await counting.count(name)
    return Visit(counted.value, is_counted=True)


async def look(name: str) -> Visit:
    """The counter without counting a visit; 0 if it does not exist."""
    async with reading() as connection:
        counter = await queries.read(connection, name)
    return Visit(counter.value if counter else 0, is_counted=False)


@asynccontextmanager
async def reading() -> AsyncIterator[AsyncConnection]:
    """A transaction that only reads, so it counts nothing, whatever fails."""
    try:
        async with begin() as connection:
            yield connection
    except DatabaseUnavailable as error:
        raise DatabaseUnavailable(committed=False) from error.__cause__


def answer(shown: str, content_type: str, visit: Visit) -> Response:
    """The answer that shows it, and says whether it was counted."""
    response = Response(shown, content_type=f"{content_type}; charset=utf-8")
    response.headers["X-Counted"] = "1" if visit.is_counted else "0"
    if visit.reason:
        response.headers["X-Counted-Reason"] = visit.reason
    return response


def why_not(request: Request, count_robots: bool) -> str:
    """Why the request is no visit, as `X-Counted-Reason` says it; "" if it is one.

    Only for `prefetch`, the page may be seen by somebody later.
    """
    if request.method == "HEAD":
        return "head"
    if not_me.is_said(request):
        return "self"
    agents = request.headers.getlist("User-Agent")
    if not count_robots and any(map(is_robot, agents)):
        return "robot"
    # Looking for each of them takes longer: most requests have none.
    purposes = [value.lower() for name, value in request.headers if name in PREVIEWS]
    if any(word in each for each in purposes for word in PREVIEW_WORDS):
        return "prefetch"
    return ""


def unit_of(value: int) -> str:
    """What a number of visits is called."""
    return "visit" if value == 1 else "visits"


def say_in_errors(blueprint: Blueprint) -> None:
    """Have the errors of its views say in `X-Counted` whether a visit was counted."""
    blueprint.register_error_handler(DatabaseUnavailable, _answer_unavailable)
    for error in (CounterFull, BoundReached):
        blueprint.register_error_handler(error, _answer_refusal)


async def _answer_unavailable(error: DatabaseUnavailable) -> Response:
    response = await web.answer_unavailable(error)
    response.headers["X-Counted"] = "unknown" if error.committed is None else "0"
    return response


async def _answer_refusal(error: HTTPException) -> Response:
    response = await web.answer_error(error)
    response.headers["X-Counted"] = "0"
    return response
