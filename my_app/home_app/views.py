"""A start page for a new application, and a page of settings for developers."""

from quart import Blueprint, abort, render_template

from quart_chassis import settings
from quart_chassis.settings import Settings

home_app = Blueprint("home_app", __name__, template_folder="templates")


async def start() -> str:
    """The start page, until a feature has `/`."""
    title = settings.current(Settings).project.title
    return await render_template("home_app/start.html", title=title)


@home_app.get("/app-settings")
async def app_settings() -> str:
    """The environment and the database's host; 404 in production."""
    chosen = settings.current(Settings)
    if chosen.production:
        abort(404)
    return await render_template("home_app/app_settings.html", settings=chosen)
