"""Pages say that migrations are pending, under `run --reload`.

`run` migrates when it starts. A migration that appears afterwards is told, and not run:
its developer is to read it first, and may still be writing it.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import structlog
from quart import Quart, Response, request
from quart.json import dumps

from quart_chassis.database import DatabaseUnavailable
from quart_chassis.settings import Settings
from quart_chassis.web import assets, development, schema
from quart_chassis.web.reload import Shown
from quart_chassis.web.schema import Remedy

# How often the schema is looked at while migrations are pending.
LOOK_SECONDS = 0.5
# Blueprints whose routes need no schema, or tell of it themselves.
UNTOUCHED = {"probes", "reload"}

log = structlog.stdlib.get_logger()


class Pending:
    """What to type before the schema can serve this code; None if it can."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known = False
        self.remedy: Remedy | None = None

    async def look(self) -> None:
        """Ask the database, unless the schema was seen to be at head before."""
        if self._known and self.remedy is None:
            return
        with suppress(DatabaseUnavailable):
            self.remedy = await schema.remedy(self._settings)
            self._known = True

    async def follow(self, shown: Shown) -> None:
        """Have browsers reload as soon as the migrations were run."""
        while self.remedy or not self._known:
            await asyncio.sleep(LOOK_SECONDS)
            pending = self.remedy
            await self.look()
            if pending and not self.remedy:
                log.info("the schema is at head")
                shown.change()


def install(app: Quart, settings: Settings) -> None:
    """Have `app` answer with the command while migrations are pending."""
    pending = Pending(settings)

    @app.while_serving
    async def look() -> AsyncGenerator[None, None]:
        await pending.look()
        if pending.remedy:
            log.warning(pending.remedy.title, remedy=str(pending.remedy))
        following = asyncio.create_task(pending.follow(app.extensions["shown"]))
        try:
            yield
        finally:
            following.cancel()

    @app.before_request
    async def tell() -> Response | None:
        if request.blueprint in UNTOUCHED or assets.is_static(request.endpoint):
            return None
        await pending.look()
        return _answer(pending.remedy) if pending.remedy else None


def _answer(remedy: Remedy) -> Response:
    """503, as a problem under /api/ and as a page elsewhere."""
    if not request.path.startswith("/api/"):
        return development.page(503, remedy.title, remedy=remedy)
    problem = {"type": "about:blank", "title": remedy.title, "status": 503}
    body = dumps(problem | {"detail": str(remedy)})
    return Response(body, 503, content_type="application/problem+json")
