"""Old Idempotency-Keys go, little by little and in nobody's way.

A key takes 345 bytes with its indexes and its first version (measured on a million
keys that were UUIDs). At 1,000 keyed increments a second, 25 hours of them are 90
million rows or 31 GB; at 10 a second, 310 MB. Every minute some worker deletes what has
become too old, in each transaction as many rows as were claimed in a second.
"""

import asyncio
import random
from collections.abc import AsyncGenerator

import structlog
from quart import Quart
from sqlalchemy.ext.asyncio import AsyncEngine

from my_app import db
from my_app.counter_app import queries

PAUSE_SECONDS = 60

log = structlog.stdlib.get_logger()


def install(app: Quart) -> None:
    """Have `app` forget old keys as long as it serves."""

    @app.while_serving
    async def forget_now_and_then() -> AsyncGenerator[None, None]:
        task = asyncio.create_task(_forget_for_ever(app.extensions["engine"]))
        try:
            yield
        finally:
            task.cancel()


async def forget(engine: AsyncEngine) -> None:
    """Delete every key that is too old, unless another worker is at it."""
    end = None
    while True:
        async with engine.begin() as connection:
            end = await queries.forget_keys(connection, end)
        if end is None:
            return


async def _forget_for_ever(engine: AsyncEngine) -> None:
    while True:
        # Not all workers at the same moment.
        await asyncio.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311
        try:
            await forget(engine)
        except Exception as error:
            if not db.says_unavailable(error):
                raise
            log.warning("old keys are still there", reason=db.words_of(error))
