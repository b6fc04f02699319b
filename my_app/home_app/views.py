"""What runs here, whether it lives, whether it can serve, and how it does."""

import asyncio

from prometheus_client import CONTENT_TYPE_LATEST
from quart import Blueprint, Response, abort, current_app, render_template

from my_app import UserError, db, draining, migrate
from my_app.metrics import Metrics
from my_app.settings import Settings

# Kubernetes gives a probe one second by default.
PROBE_SECONDS = 0.9

home_app = Blueprint("home_app", __name__, template_folder="templates")


@home_app.get("/app-settings")
async def app_settings() -> str:
    """The settings a developer asks for first; 404 in production."""
    settings: Settings = current_app.extensions["settings"]
    if settings.production:
        abort(404)
    return await render_template("home_app/app_settings.html", settings=settings)


@home_app.get("/livez")
async def livez() -> dict[str, str]:
    """200 as long as the process answers; whether to restart it."""
    return {"status": "ok"}


@home_app.get("/readyz")
async def readyz() -> tuple[dict[str, str], int]:
    """200 when the database and its schema can serve this code; whether to send work.

    503 names what is missing: the server (it is stopping), the database or the schema.
    """
    if draining.draining():
        return {"status": "unavailable", "server": "stopping"}, 503
    try:
        async with db.begin(seconds=PROBE_SECONDS) as connection:
            state = await migrate.schema_state(connection)
    except db.DatabaseUnavailable:
        return {"status": "unavailable", "database": "does not answer"}, 503
    except UserError:
        return {"status": "unavailable", "schema": "is not known"}, 503
    if state is migrate.SchemaState.OLDER:
        return {"status": "unavailable", "schema": "is older than the code"}, 503
    return {"status": "ok", "database": "ok", "schema": state.value}, 200


@home_app.get("/metrics")
async def metrics() -> Response:
    """What all workers measured, for Prometheus; 404 unless METRICS is true."""
    settings: Settings = current_app.extensions["settings"]
    if not settings.METRICS:
        abort(404)
    measured: Metrics = current_app.extensions["metrics"]
    # Of many workers it is much to read and add up.
    text = await asyncio.to_thread(measured.text)
    return Response(text, content_type=CONTENT_TYPE_LATEST)
