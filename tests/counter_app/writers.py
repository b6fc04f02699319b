"""A writer on a real database whose batches a test may hold, look at and break."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import asyncpg
from sqlalchemy import Connection, event
from sqlalchemy.util import await_only

from my_app.counter_app.batching import Writer
from my_app.counter_app.increments import Counted
from my_app.counter_app.keys import Key
from my_app.counter_app.metrics import CountingMetrics
from my_app.counter_app.settings import CounterSettings
from quart_chassis import settings
from quart_chassis.database import engines
from quart_chassis.observe.metrics import Metrics
from quart_chassis.project import Project
from quart_chassis.settings import Settings
from quart_chassis.testing.waiting import HANG_SECONDS

# At every commit a counter's value is its base and the sum of its days.
WRONG_SUMS = """
    SELECT name, value, base, days FROM counters FULL JOIN (
        SELECT counter_name AS name, sum(value) AS days FROM counter_days GROUP BY 1
    ) AS counted USING (name)
    WHERE value IS DISTINCT FROM base + coalesce(days, 0)
"""


async def wrong_sums(database: str) -> list[tuple[object, ...]]:
    """The counters whose days do not add up: name, value, base, sum."""
    connection = await asyncpg.connect(database)
    found = await connection.fetch(WRONG_SUMS)
    await connection.close()
    return [tuple(row) for row in found]


async def two_wait_for_locks(database: str) -> bool:
    connection = await asyncpg.connect(database)
    waiting = await connection.fetchval(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND datname = current_database()"
    )
    await connection.close()
    return bool(waiting >= 2)


class Trial:
    """A writer, its database, and what is to happen to its next commits."""

    def __init__(self, database: str, **overrides: object) -> None:
        self.database = database
        loaded = settings.load(
            Project.of("my_app"),
            {"counter_app": CounterSettings},
            DATABASE_URL=database,
            **overrides,
        )
        chosen = self._adapt(loaded[Settings])
        counter = loaded[CounterSettings]
        self.engine = engines.make_engine(chosen)
        self.metrics = Metrics()
        counting = CountingMetrics(self.metrics, counter.QUEUE_LIMIT)
        self.writer = Writer(self.engine, counter, chosen.WAIT_SECONDS, counting)
        self.commits = 0
        event.listen(self.engine.sync_engine, "commit", self._count_commit)

    def _adapt(self, chosen: Settings) -> Settings:
        return chosen

    def _count_commit(self, _connection: Connection) -> None:
        self.commits += 1

    async def count(
        self, name: str = "a", amount: int = 1, key: str | None = None
    ) -> Counted:
        full_key = None if key is None else Key(name, key)
        return await self.writer.count(name, amount, full_key)

    async def stored(self, name: str = "a") -> int:
        connection = await asyncpg.connect(self.database)
        statement = "SELECT value FROM counters WHERE name = $1"
        value: int | None = await connection.fetchval(statement, name)
        await connection.close()
        return value or 0


class Stage(Trial):
    """A trial in which each batch waits for its turn, and may be made to fail.

    `failure` is what befalls the next one: "before COMMIT", "COMMIT not sent" or
    "answer lost"; `meanwhile` is called when it is under way.
    """

    def __init__(self, database: str, **overrides: object) -> None:
        super().__init__(database, **overrides)
        self.turns = asyncio.Semaphore(0)
        self.held = False
        self.failure = ""
        self.meanwhile: Callable[[], None] = nothing
        engine = self.engine.sync_engine
        # Before the transaction's first statement, or the server would see it idle.
        event.listen(engine, "begin", self._wait_for_turn, insert=True)
        event.listen(engine, "before_cursor_execute", self._before_statement)
        event.listen(engine, "commit", self._before_commit)

    async def batch(self, failure: str, meanwhile: Callable[[], None]) -> None:
        """Let one batch through; until it is answered, and the next one waits."""
        self.failure, self.meanwhile = failure, meanwhile
        self.held = False
        self.turns.release()
        async with asyncio.timeout(HANG_SECONDS):
            while self.writer.committed or not self._is_at_rest():  # noqa: ASYNC110
                await asyncio.sleep(0.0005)
        # Who was answered goes on in the loop's next turn.
        await asyncio.sleep(0)

    def _is_at_rest(self) -> bool:
        return self.held or self.writer.idle.is_set()

    def _adapt(self, chosen: Settings) -> Settings:
        """However slow the machine, only the failures that are chosen happen."""
        return replace(chosen, WAIT_SECONDS=120)

    def _wait_for_turn(self, _connection: Connection) -> None:
        self.held = self.turns.locked()
        await_only(self.turns.acquire())

    def _before_statement(
        self, connection: Connection, _cursor: object, statement: str, *_: object
    ) -> None:
        if statement.startswith("INSERT") and self.failure == "before COMMIT":
            self._things_happen()
            self._cut(connection)

    def _before_commit(self, connection: Connection) -> None:
        self._things_happen()
        if self.failure == "answer lost":
            raw = connection.connection.driver_connection
            assert raw is not None
            await_only(raw.execute("COMMIT"))
        if self.failure:
            self._cut(connection)

    def _things_happen(self) -> None:
        meanwhile, self.meanwhile = self.meanwhile, nothing
        meanwhile()
        await_only(asyncio.sleep(0))

    def _cut(self, connection: Connection) -> None:
        self.failure = ""
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.terminate()


def nothing() -> None:
    """What happens meanwhile, usually."""


@asynccontextmanager
async def at_work(tried: Trial) -> AsyncIterator[None]:
    """Have the trial's writer work; what waits at the end is still committed."""
    task = asyncio.create_task(tried.writer.run())
    try:
        yield
        await tried.writer.drain()
    finally:
        task.cancel()
        await tried.engine.dispose()


@asynccontextmanager
async def trial(database: str, **overrides: object) -> AsyncIterator[Trial]:
    tried = Trial(database, **overrides)
    async with at_work(tried):
        yield tried
