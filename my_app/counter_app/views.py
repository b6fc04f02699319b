"""The page, which counts its visits."""

from collections.abc import Hashable

from quart import Blueprint, Response, request, url_for
from werkzeug import Response as AnyResponse

from my_app.counter_app import names, not_me, visits
from quart_chassis import settings
from quart_chassis.settings import Settings
from quart_chassis.web import filled, owner_required, see_other

PAGE = "counter_app/home.html"

counter_app = Blueprint(
    "counter_app",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/counter_app",
)
visits.say_in_errors(counter_app)


@counter_app.get("/")
async def home() -> Response:
    """The page; a GET counts a visit and shows the new value."""
    visit = await visits.visit(names.HOME)
    unit = visits.unit_of(visit.value)
    is_ahead = visit.reason == "prefetch"
    page = await filled.render(
        PAGE,
        visit.value,
        kind_of(visit.value, is_ahead=is_ahead),
        is_ahead=is_ahead,
        is_me=not_me.is_said(request),
        name=names.HOME,
        unit=unit,
        digits=len(str(visit.value)),
        settings=settings.current(Settings),
    )
    return visits.answer(page, "text/html", visit)


@counter_app.post("/my-visits/skip")
@owner_required
async def skip_my_visits() -> AnyResponse:
    """Have this browser's visits not counted from now on."""
    response = see_other(url_for("counter_app.home"))
    not_me.say(response)
    return response


@counter_app.post("/my-visits/count")
@owner_required
async def count_my_visits() -> AnyResponse:
    """Have this browser's visits counted again."""
    response = see_other(url_for("counter_app.home"))
    not_me.take_back(response)
    return response


def kind_of(value: int, *, is_ahead: bool = False) -> Hashable:
    """What pages that differ in their numbers alone have in common."""
    return visits.unit_of(value), is_ahead
