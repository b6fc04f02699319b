"""A writer on a real database whose batches a test may hold, look at and break."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg

from my_app.counter_app.batching import Writer
from my_app.counter_app.increments import Counted
from my_app.counter_app.keys import Key
from my_app.counter_app.metrics import CountingMetrics
from my_app.counter_app.settings import CounterSettings
from quart_chassis import settings
from quart_chassis.database import Statement, Succession, engines
from quart_chassis.observe.metrics import Metrics
from quart_chassis.project import Project
from quart_chassis.settings import Settings
from quart_chassis.testing.pooler import settings_for
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


class Watched(Succession):
    """Passes everything on to another succession; subclasses have their say."""

    def __init__(self, inner: Succession) -> None:
        super().__init__(inner.raw)
        self.inner = inner

    async def begin(self) -> None:
        await self.inner.begin()

    async def fetch(self, statement: Statement, **given: Any) -> list[Any]:
        return await self.inner.fetch(statement, **given)

    async def commit(self, *, goes_on: bool) -> None:
        await self.inner.commit(goes_on=goes_on)


class Trial:
    """A writer, its database, and how often it has committed."""

    def __init__(self, database: str, **overrides: object) -> None:
        self.database = database
        loaded = settings.load(
            Project.of("my_app"),
            {"counter_app": CounterSettings},
            **settings_for(database),
            **overrides,
        )
        chosen = self._adapt(loaded[Settings])
        counter = loaded[CounterSettings]
        self.engine = engines.make_engine(chosen)
        self.metrics = Metrics()
        counting = CountingMetrics(self.metrics, counter.QUEUE_LIMIT)
        self.writer = TriedWriter(self.engine, counter, chosen.WAIT_SECONDS, counting)
        self.writer.watch = self.watch
        self.commits = 0

    def watch(self, transactions: Succession) -> Succession:
        """What the writer gets in the place of these."""
        return Counting(transactions, self)

    def _adapt(self, chosen: Settings) -> Settings:
        return chosen

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


class TriedWriter(Writer):
    """A writer whose transactions a trial watches."""

    watch: Callable[[Succession], Succession]

    async def _write(self, transactions: Succession) -> None:
        await super()._write(self.watch(transactions))


class Counting(Watched):
    """Counts commits."""

    def __init__(self, inner: Succession, tried: Trial) -> None:
        super().__init__(inner)
        self.tried = tried

    async def commit(self, *, goes_on: bool) -> None:
        self.tried.commits += 1
        await super().commit(goes_on=goes_on)


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

    def watch(self, transactions: Succession) -> Succession:
        return Staged(transactions, self)

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

    async def wait_for_turn(self) -> None:
        self.held = self.turns.locked()
        await self.turns.acquire()

    async def let_happen(self) -> None:
        """What happens meanwhile."""
        meanwhile, self.meanwhile = self.meanwhile, nothing
        meanwhile()
        await asyncio.sleep(0)


class Staged(Watched):
    """Transactions that wait for their turns, and fail as the stage says."""

    def __init__(self, inner: Succession, stage: Stage) -> None:
        super().__init__(inner)
        self.stage = stage

    async def begin(self) -> None:
        await self.stage.wait_for_turn()
        await super().begin()

    async def fetch(self, statement: Statement, **given: Any) -> list[Any]:
        is_first = statement.text.startswith("INSERT")
        if is_first and self.stage.failure == "before COMMIT":
            await self.stage.let_happen()
            self._cut()
        return await super().fetch(statement, **given)

    async def commit(self, *, goes_on: bool) -> None:
        await self.stage.let_happen()
        if self.stage.failure == "answer lost":
            await self.raw.execute("COMMIT")
        if self.stage.failure:
            self._cut()
        await super().commit(goes_on=goes_on)

    def _cut(self) -> None:
        self.stage.failure = ""
        self.raw.terminate()


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
