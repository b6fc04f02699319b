"""The janitor: what is too old goes, in small steps that hold up no request.

A key takes 345 bytes with its indexes and its first version (measured on a million
UUID keys). At 1,000 keyed increments a second, 25 hours of keys are 90 million rows or
31 GB; at 10 a second, 310 MB. About once a minute each worker deletes the keys that are
too old. Each transaction deletes the keys that were claimed within one second. The days
that HISTORY_DAYS lets go become part of their counters' bases, one counter in each
transaction.
"""

import asyncio
import random
from collections.abc import AsyncGenerator

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from my_app.counter_app import bounds, history, keys
from my_app.counter_app.settings import CounterSettings
from quart_chassis.application import Application
from quart_chassis.database import words_of

PAUSE_SECONDS = 60

log = structlog.stdlib.get_logger()


def install(app: Application) -> None:
    """Delete what is too old while `app` serves."""
    days_kept = app.settings(CounterSettings).HISTORY_DAYS

    @app.while_serving
    async def forget_now_and_then() -> AsyncGenerator[None, None]:
        task = asyncio.create_task(_forget_for_ever(app.engine, days_kept))
        try:
            yield
        finally:
            task.cancel()


async def forget(engine: AsyncEngine, days_kept: int) -> None:
    """Delete what is too old, unless another worker is doing so."""
    await _forget_keys(engine)
    await _let_days_go(engine, days_kept)
    async with engine.begin() as connection:
        await bounds.forget_budgets(connection)
    async with engine.begin() as connection:
        await history.forget_robots(connection, days_kept)


async def _forget_keys(engine: AsyncEngine) -> None:
    end = None
    while True:
        async with engine.begin() as connection:
            end = await keys.forget_keys(connection, end)
        if end is None:
            return


async def _let_days_go(engine: AsyncEngine, days_kept: int) -> None:
    while True:
        async with engine.begin() as connection:
            names = await history.find_old(connection, days_kept)
        for name in names:
            async with engine.begin() as connection:
                await history.let_go(connection, name, days_kept)
        if not names:
            return


async def _forget_for_ever(engine: AsyncEngine, days_kept: int) -> None:
    while True:
        # Random, so that the workers do not all start at once.
        await asyncio.sleep(PAUSE_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311
        try:
            await forget(engine, days_kept)
        except Exception as error:
            # Also where the schema is older: it is tried again in a minute.
            log.warning("what is too old was not deleted", reason=words_of(error))
