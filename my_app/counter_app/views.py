"""The page that counts its visits."""

from quart import Blueprint, Request, Response, render_template, request

from my_app import db
from my_app.counter_app import batching, queries

HOME = "home"
PREVIEW_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
PREVIEW_WORDS = ("prefetch", "prerender", "preview")

counter_app = Blueprint("counter_app", __name__, template_folder="templates")


@counter_app.get("/")
async def home() -> Response:
    """The page; a GET counts a visit and shows its number."""
    counted = is_visit(request)
    value = await visit_or_look(HOME, counted)
    response = Response(await render_template("counter_app/home.html", value=value))
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Counted"] = "1" if counted else "0"
    return response


async def visit_or_look(name: str, counted: bool) -> int:
    """The counter's value, after a visit if `counted`; 0 if there is no such counter."""
    if counted:
        return (await batching.count(name)).value
    async with db.begin() as connection:
        counter = await queries.read(connection, name)
    return counter.value if counter else 0


def is_visit(request: Request) -> bool:
    """Whether somebody looks: not a HEAD, nor a browser that loads ahead of time."""
    if request.method == "HEAD":
        return False
    purposes = " ".join(request.headers.get(name, "") for name in PREVIEW_HEADERS)
    return not any(word in purposes.lower() for word in PREVIEW_WORDS)
