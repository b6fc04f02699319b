"""Liveness, readiness and metrics."""

import asyncio

from prometheus_client import CONTENT_TYPE_LATEST
from quart import Blueprint, Response, abort, current_app

from quart_chassis import settings
from quart_chassis.database import DatabaseUnavailable, begin, migrations
from quart_chassis.database.disk import Disk
from quart_chassis.door import Draining
from quart_chassis.errors import UserError
from quart_chassis.observe.metrics import Metrics
from quart_chassis.settings import Settings

# Kubernetes gives a probe one second by default.
PROBE_SECONDS = 0.9

probes = Blueprint("probes", __name__)


@probes.get("/livez")
async def livez() -> dict[str, str]:
    """200 as long as the process answers; otherwise it needs a restart."""
    return {"status": "ok"}


@probes.get("/readyz")
async def readyz() -> tuple[dict[str, str], int]:
    """200 if the database and its schema can serve this code, else 503.

    503 names what is missing: the server (it is stopping), the database (it does not
    answer, or had no room for a statement of the last seconds) or the schema.
    """
    draining: Draining = current_app.extensions["draining"]
    if draining.begun:
        return {"status": "unavailable", "server": "stopping"}, 503
    disk: Disk = current_app.extensions["disk"]
    if disk.is_full:
        return {"status": "unavailable", "database": "its disk is full"}, 503
    project = settings.current(Settings).project
    try:
        async with begin(seconds=PROBE_SECONDS) as connection:
            state = await migrations.schema_state(connection, project)
    except DatabaseUnavailable:
        return {"status": "unavailable", "database": "does not answer"}, 503
    except UserError:
        # Which ones is for those at a terminal: `doctor` names files and errors.
        told = "the migrations of the code do not fit together"
        return {"status": "unavailable", "schema": told}, 503
    if state.older:
        return {"status": "unavailable", "schema": str(state)}, 503
    return {"status": "ok", "database": "ok", "schema": str(state)}, 200


@probes.get("/metrics")
async def metrics() -> Response:
    """The metrics of all workers, for Prometheus; 404 unless METRICS is true."""
    if not settings.current(Settings).METRICS:
        abort(404)
    measured: Metrics = current_app.extensions["metrics"]
    # Adding up the files of many workers would block the event loop.
    text = await asyncio.to_thread(measured.text)
    return Response(text, content_type=CONTENT_TYPE_LATEST)
