"""A counter's history in the API: what it counted on each day."""

import datetime as dt
from collections.abc import Iterator

from quart import Response
from quart_schema import (
    document_querystring,
    document_response,
    tag,
)
from werkzeug.exceptions import NotFound, UnprocessableEntity

from my_app.counter_app import history, names, queries
from my_app.counter_app.api import (
    NOT_FOUND,
    UNAVAILABLE,
    counter_api,
)
from my_app.counter_app.names import Name
from my_app.counter_app.schemas import (
    CounterDays,
    Days,
    DayValue,
)
from my_app.counter_app.settings import CounterSettings
from quart_chassis import settings, web
from quart_chassis.database import begin
from quart_chassis.web import document_answers, read_query

DAY = dt.timedelta(days=1)
USUAL = 30


@counter_api.get("/<name>/days")
@tag(["counters"])
@document_querystring(Days)
@document_response(CounterDays)
@document_answers(NOT_FOUND | UNAVAILABLE)
async def days(name: Name) -> Response:
    """Show what a counter counted on each day, in UTC.

    Days that HISTORY_DAYS has let go, and days to come, are left out.
    """
    names.check(name)
    first, last = _range(read_query(Days))
    async with begin(read_only=True) as connection:
        if await queries.read(connection, name) is None:
            raise NotFound("There is no such counter.")
        found = await history.read_days(connection, name, first, last)
    shown = [DayValue(day, found.get(day, 0)) for day in each_day(first, last)]
    return web.answer(CounterDays(name, shown))


def each_day(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """From the first to the last, both included."""
    for number in range((last - first).days + 1):
        yield first + number * DAY


def today() -> dt.date:
    """Today in UTC."""
    return dt.datetime.now(dt.UTC).date()


def _range(asked: Days) -> tuple[dt.date, dt.date]:
    """The first and the last day that are shown; 422 for a range that is none."""
    kept = settings.current(CounterSettings).HISTORY_DAYS
    last = asked.last or today()
    first = asked.first or last - min((USUAL - 1) * DAY, last - dt.date.min)
    if first > last:
        raise UnprocessableEntity("from must not be after to")
    if (last - first).days >= kept:
        raise UnprocessableEntity(f"from and to may be {kept} days apart at most")
    return max(first, today() - (kept - 1) * DAY), min(last, today())
