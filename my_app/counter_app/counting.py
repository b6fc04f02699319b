"""The front door of counting: what pages, badges and the API call."""

import asyncio
from collections.abc import AsyncGenerator

from quart import Quart, current_app

from my_app.counter_app.batching import Writer
from my_app.counter_app.increments import Counted
from my_app.counter_app.keys import Key
from my_app.counter_app.metrics import CountingMetrics
from my_app.counter_app.settings import CounterSettings
from quart_chassis.application import Application
from quart_chassis.settings import Settings

# Where a request's scope has what its lane counted before it left it to the view.
COUNTED = "counter_app.counted"


def install(app: Application) -> None:
    """Give `app` a writer that runs while the app serves."""
    settings = app.settings(CounterSettings)
    wait_seconds = app.settings(Settings).limit_seconds
    metrics = CountingMetrics(app.metrics, settings.QUEUE_LIMIT)

    @app.while_serving
    async def write() -> AsyncGenerator[None, None]:
        writer = Writer(app.engine, settings, wait_seconds, metrics)
        app.extensions["writer"] = writer
        task = asyncio.create_task(writer.run())
        try:
            yield
        finally:
            await writer.drain()
            task.cancel()


async def count(name: str, amount: int = 1, key: str | None = None) -> Counted:
    """Add `amount` to the counter and return its new value.

    With a key it is counted once; a replay gets the first value. DatabaseUnavailable
    after WAIT_SECONDS, or at once if the queue is full; CounterFull if the sum would
    pass 2**63 - 1; KeyReused if the key was used for another amount; BoundReached if
    strangers may make no more counters or keys for now.
    """
    return await count_in(current_app, name, amount, key)


async def count_in(
    app: Quart, name: str, amount: int = 1, key: str | None = None
) -> Counted:
    """As `count`, for who has no application context."""
    writer: Writer = app.extensions["writer"]
    full_key = None if key is None else Key(name, key)
    return await writer.count(name, amount, full_key)


def note_no_visit(reason: str) -> None:
    """Note in the metrics that a request was answered and not counted."""
    writer: Writer = current_app.extensions["writer"]
    writer.metrics.no_visit(reason)


def forget(name: str) -> None:
    """Note that the counter was deleted, so that counting it makes a new one."""
    writer: Writer = current_app.extensions["writer"]
    writer.bounds.seen.discard(name)
