"""The page, which counts its visits, and badges for pages on other sites."""

from typing import Any

from quart import (
    Blueprint,
    Response,
    abort,
    request,
)
from werkzeug.exceptions import HTTPException

from my_app.counter_app import (
    counting,
    names,
    queries,
    visits,
)
from my_app.counter_app.increments import (
    BoundReached,
    CounterFull,
)
from my_app.counter_app.settings import CounterSettings
from quart_chassis import settings, web
from quart_chassis.database import DatabaseUnavailable, begin
from quart_chassis.settings import Settings
from quart_chassis.web import filled

PAGE, BADGE = "counter_app/home.html", "counter_app/badge.svg"
NOT_KEPT = "max-age=0, no-cache, no-store, must-revalidate"

counter_app = Blueprint(
    "counter_app",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/counter_app",
)


@counter_app.errorhandler(DatabaseUnavailable)
async def tell_whether_it_counted(error: DatabaseUnavailable) -> Response:
    """The chassis' 503 page, with the `X-Counted` that every counter page has."""
    response = await web.answer_unavailable(error)
    response.headers["X-Counted"] = "unknown" if error.committed is None else "0"
    return response


@counter_app.errorhandler(CounterFull)
@counter_app.errorhandler(BoundReached)
async def tell_that_it_did_not_count(error: HTTPException) -> Response:
    """The chassis' error page, with `X-Counted`."""
    response = await web.answer_error(error)
    response.headers["X-Counted"] = "0"
    return response


@counter_app.get("/")
async def home() -> Response:
    """The page; a GET counts a visit and shows the new value."""
    value, reason = await _count(names.HOME)
    page = await filled.render(
        PAGE,
        value,
        unit_of(value),
        name=names.HOME,
        unit=unit_of(value),
        digits=len(str(value)),
        settings=settings.current(Settings),
    )
    return _answer(page, "text/html", reason)


@counter_app.get("/badges/<name>.svg")
async def badge(name: str) -> Response:
    """A counter's badge as SVG; a GET counts a visit, as on the page.

    Capitals are taken as lower case, as in the names of repositories.
    """
    name = name.lower()
    if not names.is_name(name) or not names.may_be_counted(name):
        abort(404)
    value, reason = await _count(name)
    shown = await filled.render(BADGE, value, name, name=name)
    response = _answer(shown, "image/svg+xml", reason)
    # GitHub's image proxy and Fastly ask again only for all of these together.
    response.headers["Cache-Control"] = NOT_KEPT
    # Badges are shown on other sites.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


async def _count(name: str) -> tuple[int, str]:
    """The counter's value, and why the request did not count, if it did not."""
    count_robots = settings.current(CounterSettings).COUNT_ROBOTS
    if reason := visits.why_not(request, count_robots):
        return await _look(name), reason
    by_the_lane: Any = request.scope.get(counting.COUNTED)
    return (by_the_lane or await counting.count(name)).value, ""


def _answer(shown: str, content_type: str, reason: str) -> Response:
    response = Response(shown, content_type=f"{content_type}; charset=utf-8")
    response.headers["X-Counted"] = "0" if reason else "1"
    if reason:
        response.headers["X-Counted-Reason"] = reason
    return response


async def _look(name: str) -> int:
    """The counter's value; 0 if it does not exist."""
    try:
        async with begin() as connection:
            counter = await queries.read(connection, name)
    except DatabaseUnavailable as error:
        # A read counts nothing, whatever failed.
        raise DatabaseUnavailable(committed=False) from error.__cause__
    return counter.value if counter else 0


def unit_of(value: int) -> str:
    """What a number of visits is called."""
    return "visit" if value == 1 else "visits"
