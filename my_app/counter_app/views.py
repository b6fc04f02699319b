"""What people look at and thereby count: the page, and badges for pages elsewhere."""

from quart import (
    Blueprint,
    Request,
    Response,
    abort,
    current_app,
    render_template,
    request,
)

from my_app import db
from my_app.counter_app import batching, names, queries

PREVIEW_HEADERS = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
PREVIEW_WORDS = ("prefetch", "prerender", "preview")

counter_app = Blueprint(
    "counter_app",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/counter_app",
)


@counter_app.get("/")
async def home() -> Response:
    """The page; a GET counts a visit and shows its number."""
    return await _counting(names.HOME, "counter_app/home.html", "text/html")


@counter_app.get("/badges/<name>.svg")
async def badge(name: str) -> Response:
    """A picture of a counter; a GET counts a visit, as the page does."""
    if not names.is_name(name) or not names.may_be_counted(name):
        abort(404)
    response = await _counting(name, "counter_app/badge.svg", "image/svg+xml")
    # Made for pages elsewhere.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


async def _counting(name: str, template: str, content_type: str) -> Response:
    """Show a counter's value, after a visit if this is one."""
    if counted := is_visit(request):
        value = (await batching.count(name)).value
    else:
        value = await _look(name)
    settings = current_app.extensions["settings"]
    shown = await render_template(template, name=name, value=value, settings=settings)
    response = Response(shown, content_type=f"{content_type}; charset=utf-8")
    response.headers["X-Counted"] = "1" if counted else "0"
    return response


async def _look(name: str) -> int:
    """The counter's value; 0 if there is no such counter."""
    try:
        async with db.begin() as connection:
            counter = await queries.read(connection, name)
    except db.DatabaseUnavailable as error:
        # Whatever failed, nothing can have been counted.
        raise db.DatabaseUnavailable(committed=False) from error.__cause__
    return counter.value if counter else 0


def is_visit(request: Request) -> bool:
    """Whether somebody looks: not a HEAD, nor a browser that loads ahead of time."""
    if request.method == "HEAD":
        return False
    purposes = " ".join(request.headers.get(name, "") for name in PREVIEW_HEADERS)
    return not any(word in purposes.lower() for word in PREVIEW_WORDS)
