"""Standbys, for reads that may lag: how far behind they are, and who is left out.

A standby has what the primary had at a moment once it has replayed the primary's log up
to the position of that moment. So the primary's position is noted now and then, and a
standby is asked for its own. This needs no clocks that agree, and no heartbeat.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import cast

import structlog
from prometheus_client import Counter
from quart import Quart
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.pool import QueuePool

from quart_chassis.database.engines import make_engine
from quart_chassis.database.pool import dispose
from quart_chassis.database.unavailable import says_unavailable, words_of
from quart_chassis.observe.metrics import Metrics
from quart_chassis.settings import Settings

# PostgreSQL manual, 9.28: a commit is answered when the log is flushed up to it. After
# a failover a standby is the primary.
POSITION = text(
    "SELECT pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() "
    "THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END, '0/0')::bigint"
)
# A part of REPLICA_LAG_SECONDS: how often the primary's position is noted.
NOTE = 0.1
# Parts of that or of WAIT_SECONDS, whichever is shorter: how long a reader waits for a
# standby, and how long standbys are left alone when one failed.
TRY, REST = 0.1, 0.5

log = structlog.stdlib.get_logger()


class Replica:
    """The standbys of REPLICA_URL, and what is known of the primary's log."""

    def __init__(
        self,
        engine: AsyncEngine,
        primary: AsyncEngine,
        settings: Settings,
        reads: Counter,
    ) -> None:
        self._engine = reading(engine)
        self._pool = cast(QueuePool, engine.pool)
        self._primary = primary
        self._lag = settings.REPLICA_LAG_SECONDS
        self._patience = min(self._lag, settings.WAIT_SECONDS)
        self._reads = reads
        # When the primary was asked, on the monotonic clock, and its position then.
        self._noted: deque[tuple[float, int]] = deque()
        self._rests_until = 0.0
        self._left_out = False

    async def connect(self, opened: AsyncExitStack) -> AsyncConnection | None:
        """A standby's connection, its transaction begun; None if none is near enough.

        Whoever it is has all that was committed REPLICA_LAG_SECONDS ago.
        """
        connection = await self._try(opened)
        self._reads.labels("standby" if connection else "primary").inc()
        return connection

    async def _try(self, opened: AsyncExitStack) -> AsyncConnection | None:
        wanted = self._wanted()
        # Whose connections are all in use is not away.
        if wanted is None or self._pool.checkedout() >= self._pool.size():
            return None
        try:
            async with (
                asyncio.timeout(self._patience * TRY),
                AsyncExitStack() as tried,
            ):
                connection = await tried.enter_async_context(self._engine.connect())
                await _ask(connection, wanted)
                self._tell("")
                opened.push_async_exit(tried.pop_all())
                return connection
        except Exception as error:
            if not says_unavailable(error):
                raise
            self._tell(words_of(error))
        return None

    async def follow(self) -> None:
        """Note the primary's position, forever."""
        while True:
            try:
                async with asyncio.timeout(self._lag):
                    await self._note()
            except Exception as error:
                # Readers meet the same error, and answer it.
                log.debug("the primary's log is not followed", reason=words_of(error))
            await asyncio.sleep(self._lag * NOTE)

    async def _note(self) -> None:
        asked = time.monotonic()
        async with self._primary.connect() as connection:
            position = await connection.scalar(POSITION)
        self._noted.append((asked, position))

    def _wanted(self) -> int | None:
        """The position that a standby must have reached; None if none will do."""
        now = time.monotonic()
        while self._noted and self._noted[0][0] < now - self._lag:
            self._noted.popleft()
        if not self._noted or now < self._rests_until:
            return None
        return self._noted[0][1]

    def _tell(self, reason: str) -> None:
        """Leave the standbys out for a while for this reason; take them in if none."""
        if reason:
            self._rests_until = time.monotonic() + self._patience * REST
        if bool(reason) == self._left_out:
            return
        self._left_out = bool(reason)
        if reason:
            log.warning("reads go to the primary", reason=reason)
        else:
            log.info("reads go to the standbys again")


async def _ask(connection: AsyncConnection, wanted: int) -> None:
    """Begin its transaction; TimeoutError if it has not come as far as is wanted.

    The engine hears of one that lags, or does not answer: it terminates it without a
    goodbye, for which it could take seconds, and asks another host first.
    """
    try:
        await connection.begin()
        position = await connection.scalar(POSITION)
        if position is None or position < wanted:
            raise TimeoutError("it lags")
    except BaseException:
        await connection.invalidate(TimeoutError())
        raise


async def begun(opened: AsyncExitStack, engine: AsyncEngine) -> AsyncConnection:
    """A connection, its transaction begun."""
    connection = await opened.enter_async_context(engine.connect())
    await connection.begin()
    return connection


def reading(engine: AsyncEngine) -> AsyncEngine:
    """The same engine and pool, but PostgreSQL refuses to write."""
    return engine.execution_options(postgresql_readonly=True)


def install(app: Quart, settings: Settings) -> None:
    """Give `app` the standbys of REPLICA_URL, if there are any; no I/O."""
    metrics: Metrics = app.extensions["metrics"]
    reads = metrics.counter(
        "database_reads_total", "Reads that might go to a standby.", ("server",)
    )
    for server in ("standby", "primary"):
        reads.labels(server)
    primary: AsyncEngine = app.extensions["engine"]
    app.extensions["reading_engine"] = reading(primary)
    app.extensions["replica"] = None
    if not settings.REPLICA_URL:
        return
    engine = make_engine(replace(settings, DATABASE_URL=settings.REPLICA_URL))
    replica = Replica(engine, primary, settings, reads)
    app.extensions["replica"] = replica

    @app.while_serving
    async def follow() -> AsyncGenerator[None, None]:
        task = asyncio.create_task(replica.follow())
        try:
            yield
        finally:
            task.cancel()
            await dispose(engine)
