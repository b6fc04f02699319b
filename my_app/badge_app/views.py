"""Badges: pictures of counters for pages on other sites, which count visits of them."""

import msgspec
from quart import Blueprint, Response, abort, render_template, request

from my_app.badge_app import drawing
from my_app.badge_app.looks import Look, look_of
from my_app.counter_app import history, names, visits
from quart_chassis import web
from quart_chassis.web import filled

BADGE = "badge_app/badge.svg"
NOT_KEPT = "max-age=0, no-cache, no-store, must-revalidate"

badge_app = Blueprint("badge_app", __name__, template_folder="templates")
visits.say_in_errors(badge_app)


class Endpoint(msgspec.Struct, rename="camel"):
    """A badge as shields.io asks for it ("endpoint badge")."""

    label: str
    message: str
    color: str
    label_color: str
    style: str
    schema_version: int = 1


@badge_app.get("/badges/<name>.svg")
async def badge(name: str) -> Response:
    """A counter's badge as SVG; a GET counts a visit, as on the page.

    Capitals are taken as lower case, as in the names of repositories. The address may
    ask for a look (`looks.py`), and with `count=false` that nothing is counted.
    """
    name = _checked(name)
    look = look_of(request.args, name)
    if look.counts and not names.may_be_counted(name):
        abort(404)
    # First, because after counting it could fail, and nobody would hear of the visit.
    recent = await _recent(name, look)
    visit = await (visits.visit(name) if look.counts else visits.look(name))
    number = visit.value if recent is None else recent + visit.is_counted
    drawn = drawing.draw(look, look.message(number))
    if request.args:
        shown = await render_template(BADGE, value=drawn.parts[-1].text, badge=drawn)
    else:
        shown = await filled.render(BADGE, visit.value, name, badge=drawn)
    response = visits.answer(shown, "image/svg+xml", visit)
    # GitHub's image proxy and Fastly ask again only for all of these together.
    response.headers["Cache-Control"] = NOT_KEPT
    # Badges are shown on other sites.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@badge_app.get("/badges/<name>.json")
async def endpoint(name: str) -> Response:
    """A counter's badge for shields.io, which draws it; it counts nothing.

    That site asks when it likes, and not whenever somebody sees the badge.
    """
    name = _checked(name)
    look = look_of(request.args, name)
    recent = await _recent(name, look)
    number = (await visits.look(name)).value if recent is None else recent
    message = look.message(number)
    response = web.answer(
        Endpoint(look.label, message, look.color, look.label_color, look.style)
    )
    response.headers["Cache-Control"] = NOT_KEPT
    return response


def _checked(name: str) -> str:
    """The counter's name; 404 if it cannot be one."""
    name = name.lower()
    if not names.is_name(name):
        abort(404)
    return name


async def _recent(name: str, look: Look) -> int | None:
    """What the counter's last days counted; None if the look is of all days."""
    if look.days is None:
        return None
    async with visits.reading() as connection:
        return await history.read_last(connection, name, look.days)
