"""Pages about counters; they count nothing."""

import datetime as dt
import re
from itertools import islice

from quart import (
    Blueprint,
    Response,
    abort,
    current_app,
    render_template,
    request,
    url_for,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from my_app.counter_app import Settings as CounterSettings
from my_app.counter_app import (
    days,
    history,
    names,
    robots,
    visits,
)
from my_app.counter_app import queries as counting
from my_app.stats_app import chart, queries
from my_app.stats_app.listing import Listing
from quart_chassis import settings
from quart_chassis.database import begin
from quart_chassis.door import CONTENT_SECURITY_POLICY
from quart_chassis.web import read_query

USUAL, FEWEST = 30, 7
DAYS = re.compile(r"[0-9]{1,9}")
# A picture on another site may be that old.
KEPT = "public, max-age=60"
POLICY = CONTENT_SECURITY_POLICY.replace(
    "style-src 'self'", f"style-src {chart.STYLE_SOURCE}"
)

stats_app = Blueprint(
    "stats_app",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/stats_app",
)


@stats_app.get("/counters")
async def counters() -> str:
    """All counters, or those that a search finds, a page at a time."""
    asked = read_query(Listing)
    async with begin(read_only=True) as connection:
        found, last = await queries.read_page(connection, asked)
    return await render_template(
        "stats_app/list.html", found=found, asked=asked, following=_after(asked, last)
    )


@stats_app.get("/counters/<name>")
async def counter(name: str) -> str:
    """One counter: its number, what it counted lately, and what to paste elsewhere."""
    if not names.is_name(name):
        abort(404)
    async with begin(read_only=True) as connection:
        found = await counting.read(connection, name)
        if found is None:
            abort(404)
        counted = await _read_days(connection, name, USUAL)
        seen_by_robots = await history.read_robots(connection, name, USUAL)
    newest_first = list(reversed(counted.items()))
    return await render_template(
        "stats_app/counter.html",
        name=name,
        value=found.value,
        unit=visits.unit_of(found.value),
        digits=len(str(found.value)),
        created_at=found.created_at,
        sums={
            length: sum(value for _, value in islice(newest_first, length))
            for length in (1, 7, 30)
        },
        days=newest_first,
        drawn=chart.draw(counted),
        robots=seen_by_robots,
        list_date=robots.list_date(),
        has_badges="badge_app.badge" in current_app.view_functions,
    )


@stats_app.get("/counters/<name>/days.svg")
async def days_chart(name: str) -> Response:
    """A counter's days as a picture; `days` says how many, 30 if it is no number."""
    if not names.is_name(name):
        abort(404)
    async with begin(read_only=True) as connection:
        if await counting.read(connection, name) is None:
            abort(404)
        counted = await _read_days(connection, name, _asked_days())
    drawn = chart.draw(counted)
    shown = await render_template(
        "stats_app/days.svg", name=name, drawn=drawn, chart=chart
    )
    response = Response(shown, content_type="image/svg+xml; charset=utf-8")
    response.headers["Cache-Control"] = KEPT
    response.headers["Content-Security-Policy"] = POLICY
    # It may be shown on other sites, as badges are.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


def _after(asked: Listing, last: queries.Listed | None) -> str | None:
    """The address of the next page; None if this is the last one."""
    if last is None:
        return None
    below = last.value if asked.order == "count" else None
    return url_for(
        "stats_app.counters",
        order=asked.order,
        search=asked.search or None,
        after=last.name,
        below=below,
    )


def _asked_days() -> int:
    """How many days are asked for; never more than there may be."""
    most = settings.current(CounterSettings).HISTORY_DAYS
    given = request.args.get("days", "")
    asked = int(given) if DAYS.fullmatch(given) else USUAL
    return min(max(asked, FEWEST), most)


async def _read_days(
    connection: AsyncConnection, name: str, length: int
) -> dict[dt.date, int]:
    """What the counter counted on each of its last days, in their order."""
    last = days.today()
    first = last - (length - 1) * days.DAY
    found = await history.read_days(connection, name, first, last)
    return {day: found.get(day, 0) for day in days.each_day(first, last)}
