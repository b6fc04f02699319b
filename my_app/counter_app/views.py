"""The page, which counts its visits."""

from quart import Blueprint, Response

from my_app.counter_app import names, visits
from quart_chassis import settings
from quart_chassis.settings import Settings
from quart_chassis.web import filled

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
    unit = unit_of(visit.value)
    page = await filled.render(
        PAGE,
        visit.value,
        unit,
        name=names.HOME,
        unit=unit,
        digits=len(str(visit.value)),
        settings=settings.current(Settings),
    )
    return visits.answer(page, "text/html", visit)


def unit_of(value: int) -> str:
    """What a number of visits is called."""
    return "visit" if value == 1 else "visits"
