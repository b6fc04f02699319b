"""A full disk of the database: who writes meets it, and a probe that reads does not."""

import math
import time

import asyncpg
from sqlalchemy import ExceptionContext, event
from sqlalchemy.ext.asyncio import AsyncEngine

from quart_chassis.database.unavailable import error_of_driver

# How long it counts as full after a statement failed of it. Then callers are let in
# again, whose statements tell whether it still is.
FULL_SECONDS = 10


class Disk:
    """What the statements of an engine say about the disk of its database."""

    def __init__(self, engine: AsyncEngine) -> None:
        # On the monotonic clock.
        self.full_at = -math.inf
        event.listen(engine.sync_engine, "handle_error", self._look)
        event.listen(engine.sync_engine, "invalidate", self._look_at_lost)

    @property
    def is_full(self) -> bool:
        """Whether a statement of the last seconds failed of it."""
        return time.monotonic() - self.full_at < FULL_SECONDS

    def _look(self, context: ExceptionContext) -> None:
        self._note(context.sqlalchemy_exception)

    def _look_at_lost(
        self, _connection: object, _entry: object, error: BaseException | None
    ) -> None:
        self._note(error)

    def _note(self, error: BaseException | None) -> None:
        if error and isinstance(error_of_driver(error), asyncpg.DiskFullError):
            self.full_at = time.monotonic()
