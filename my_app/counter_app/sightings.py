"""Visits of robots, which are counted apart, now and then.

They hold up nobody: each worker keeps them in memory, and writes them every few
seconds. What a worker that is killed had not written is lost.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator

import structlog
from quart import current_app
from sqlalchemy.ext.asyncio import AsyncEngine

from my_app.counter_app import history
from quart_chassis.application import Application
from quart_chassis.database import words_of

PAUSE_SECONDS = 5
# A stop does not wait for longer.
WRITE_SECONDS = 2
# Robots may ask for any name; only those of counters that exist are written.
MOST_NAMES = 10_000

log = structlog.stdlib.get_logger()


def install(app: Application) -> None:
    """Write them while `app` serves, and what is left when it stops."""
    app.extensions["sightings"] = Counter()

    @app.while_serving
    async def write_now_and_then() -> AsyncGenerator[None, None]:
        seen: Counter[str] = app.extensions["sightings"]
        task = asyncio.create_task(_write_for_ever(app.engine, seen))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await write(app.engine, seen)


def note(name: str) -> None:
    """Note that a robot saw the counter."""
    seen: Counter[str] = current_app.extensions["sightings"]
    if name in seen or len(seen) < MOST_NAMES:
        seen[name] += 1


async def write(engine: AsyncEngine, seen: Counter[str]) -> None:
    """Add to today of each counter; what cannot be written waits for the next time."""
    written = Counter(seen)
    if not written:
        return
    try:
        async with asyncio.timeout(WRITE_SECONDS), engine.begin() as connection:
            await history.add_robots(connection, written)
    except Exception as error:
        # Whatever it is, it must not keep the application from stopping.
        log.warning("visits of robots were not written", reason=words_of(error))
        return
    seen.subtract(written)
    # Whatever is left came meanwhile.
    for name in written:
        if not seen[name]:
            del seen[name]


async def _write_for_ever(engine: AsyncEngine, seen: Counter[str]) -> None:
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        await write(engine, seen)
