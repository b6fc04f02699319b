"""The application's engine: it lives as long as the application serves."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import partial

from quart import Quart
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool

from quart_chassis.database.disk import Disk
from quart_chassis.database.engines import make_engine
from quart_chassis.observe.metrics import Metrics
from quart_chassis.settings import Settings

DISPOSE_SECONDS = 0.5


def install(app: Quart, settings: Settings) -> None:
    """Give `app` an engine, and measure its pool; no I/O."""
    app.extensions["engine"] = engine = make_engine(settings)
    app.extensions["disk"] = Disk(engine)
    _measure(app, engine, settings.DB_POOL_SIZE)

    @app.while_serving
    async def dispose_at_the_end() -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await dispose(engine)


async def dispose(engine: AsyncEngine) -> None:
    """Close what an engine has open, without waiting long."""
    # Disposing waits for each connection to a server that no longer answers.
    with suppress(TimeoutError):
        async with asyncio.timeout(DISPOSE_SECONDS):
            await engine.dispose()


def _measure(app: Quart, engine: AsyncEngine, limit: int) -> None:
    metrics: Metrics = app.extensions["metrics"]
    used = metrics.gauge(
        "database_pool_connections_used", "Connections checked out of the pool."
    )
    metrics.gauge(
        "database_pool_connections_limit", "Most connections of the pool: DB_POOL_SIZE."
    ).set(limit)

    def tell(*_: object, returned: int = 0) -> None:
        pool = engine.pool
        used.set(pool.checkedout() - returned if isinstance(pool, QueuePool) else 0)

    # A connection that is being opened counts as checked out.
    event.listen(engine.sync_engine, "do_connect", tell)
    event.listen(engine.sync_engine, "checkout", tell)
    # This event fires just before the connection is back in the pool.
    event.listen(engine.sync_engine, "checkin", partial(tell, returned=1))

    @app.teardown_request
    async def tell_at_the_end(_error: BaseException | None) -> None:
        # No event fires when a connection cannot be opened.
        tell()
