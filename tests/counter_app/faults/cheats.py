"""Engines that break the promise, each in a way people do; the trial must tell.

`CHEAT=name` chooses one; the application is otherwise the real one.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable

from sqlalchemy import text

from my_app.application import create_app
from my_app.counter_app import counting, writing
from my_app.counter_app.batching import Writer
from my_app.counter_app.increments import Counted
from my_app.counter_app.keys import Key
from quart_chassis.database import Statement, Succession
from tests.counter_app.writers import Watched

CHEAT = "CHEAT"


class ReadModifyWrite(Writer):
    """The tutorial's: read the count, add 1 in Python, write it back."""

    async def count(self, name: str, amount: int, key: Key | None) -> Counted:
        async with self.engine.begin() as connection:
            select = text("SELECT value FROM counters WHERE name = :name")
            found = await connection.execute(select, {"name": name})
            value = (found.scalar() or 0) + amount
            upsert = text(
                "INSERT INTO counters (name, value, base) "
                "VALUES (:name, :value, :value) "
                "ON CONFLICT (name) DO UPDATE SET value = :value, base = :value"
            )
            await connection.execute(upsert, {"name": name, "value": value})
        return Counted(value, replayed=False)


class AnswersBeforeCommit(Writer):
    """As quick as can be: the numbers are known before the COMMIT is."""

    async def _write(self, transactions: Succession) -> None:
        await transactions.begin()
        self.batch = self.queue.take(self.batch_limit)
        answers = await writing.write(transactions, self.batch, self.bounds)
        self.committed += answers.known.items()
        self._answer()
        self.batch = []
        await transactions.commit(goes_on=False)


class RetriesBlindly(Writer):
    """An unknown is tried again, key or not: mostly that goes well."""

    def _put_back(self) -> None:
        self.committing = False
        super()._put_back()


class FlushesEverySecond(Writer):
    """Counts in memory, and writes it down now and then."""

    async def count(self, name: str, amount: int, key: Key | None) -> Counted:
        memory: Counter[str] = self.__dict__.setdefault("memory", Counter())
        values: Counter[str] = self.__dict__.setdefault("values", Counter())
        if not memory and not values:
            self.flushing = asyncio.create_task(self._flush(memory))
        memory[name] += amount
        values[name] += amount
        return Counted(values[name], replayed=False)

    async def _flush(self, memory: Counter[str]) -> None:
        while True:
            await asyncio.sleep(1)
            for name, amount in list(memory.items()):
                await super().count(name, amount, None)
                memory[name] -= amount


class CommitsToMemory(Writer):
    """`synchronous_commit = off`: PostgreSQL answers before its disk does."""

    async def _write(self, transactions: Succession) -> None:
        await super()._write(InMemory(transactions))


class InMemory(Watched):
    """Does not wait for the disk."""

    async def commit(self, *, goes_on: bool) -> None:
        await self.fetch(Statement(text("SET LOCAL synchronous_commit = off")))
        await super().commit(goes_on=goes_on)


CHEATS: dict[str, Callable[..., Writer]] = {
    "read-modify-write": ReadModifyWrite,
    "answers before COMMIT": AnswersBeforeCommit,
    "retries blindly": RetriesBlindly,
    "flushes every second": FlushesEverySecond,
    "commits to memory": CommitsToMemory,
}

if chosen := os.environ.get(CHEAT):
    vars(counting)["Writer"] = CHEATS[chosen]
    app = create_app()
