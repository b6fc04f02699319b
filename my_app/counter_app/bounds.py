"""How many counters and keys strangers may make.

The bounds are exact for the database as a whole. Whoever makes something new takes it
out of the minute's row, in the transaction of its batch, and holds that row until the
COMMIT. Whoever counts what exists neither reads nor writes anything for it: a worker
remembers the counters that it has seen.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import delete, extract, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from my_app.counter_app import names, queries
from my_app.counter_app.increments import BoundReached, Increment
from my_app.counter_app.settings import CounterSettings
from my_app.counter_app.tables import counter_budgets, counters

COUNTERS, KEYS = "counters", "keys"
# Any number will do, as long as no other program on this database uses it.
NEW_COUNTERS_LOCK = 7_310_571_003
# Names that a worker remembers: about 10 MB of the longest.
MOST_SEEN = 50_000
# When there may be room again after MAX_COUNTERS: when the owner has made some.
FULL_SECONDS = 3600
KEPT = timedelta(hours=1)


class Admitted(NamedTuple):
    """The increments that may be counted, and the counters that this may make."""

    increments: list[Increment]
    new: Collection[str]


class CounterDeleted(Exception):
    """A counter that this worker had seen is gone, so the batch is tried again."""


@dataclass
class Bounds:
    """What one worker knows of the bounds; `seen` are counters that exist."""

    settings: CounterSettings

    def __post_init__(self) -> None:
        self.seen: set[str] = set()
        self._free = {names.HOME, *self.settings.COUNTER_NAMES}

    async def admit(
        self, connection: AsyncConnection, increments: list[Increment]
    ) -> tuple[Admitted, dict[Increment, BoundReached]]:
        """What may be counted, and what is refused: the last to arrive.

        The increments' keys are new, and claimed by this transaction.
        """
        refused = await self._refuse_keys(connection, increments)
        left = [each for each in increments if each not in refused]
        new = await self._find_new(connection, left)
        too_many = await self._refuse_counters(connection, new)
        for each in left:
            if error := too_many.get(each.name):
                refused[each] = error
        rest = [each for each in left if each not in refused]
        return Admitted(rest, new), refused

    def remember(self, counted: Iterable[str]) -> None:
        """These counters exist: a transaction that counted them was committed."""
        if len(self.seen) > MOST_SEEN:
            self.seen.clear()
        self.seen.update(counted)

    def check(self, made: Collection[str], expected: Collection[str]) -> None:
        """CounterDeleted if counters were made that nobody had asked for."""
        if surprises := set(made).difference(expected):
            self.seen -= surprises
            raise CounterDeleted(", ".join(sorted(surprises)))

    async def _refuse_keys(
        self, connection: AsyncConnection, increments: list[Increment]
    ) -> dict[Increment, BoundReached]:
        keyed = [each for each in increments if each.key is not None]
        if not keyed:
            return {}
        limit = self.settings.KEYS_PER_MINUTE
        granted, error = await _take(connection, KEYS, len(keyed), limit)
        return dict.fromkeys(keyed[granted:], error)

    async def _find_new(
        self, connection: AsyncConnection, increments: list[Increment]
    ) -> list[str]:
        """The counters that do not exist, in order of arrival."""
        unseen = dict.fromkeys(each.name for each in increments)
        return await _missing(connection, [n for n in unseen if n not in self.seen])

    async def _refuse_counters(
        self, connection: AsyncConnection, new: list[str]
    ) -> dict[str, BoundReached]:
        bounded = [name for name in new if name not in self._free]
        if not bounded:
            return {}
        # Only one transaction at a time may see what is missing and make it.
        lock = func.pg_advisory_xact_lock(NEW_COUNTERS_LOCK)
        await connection.execute(select(lock))
        bounded = await _missing(connection, bounded)
        limit = self.settings.NEW_COUNTERS_PER_MINUTE
        granted, error = await _take(connection, COUNTERS, len(bounded), limit)
        if granted:
            existing = await connection.execute(
                select(func.count()).select_from(counters)
            )
            room = self.settings.MAX_COUNTERS - existing.scalar_one()
            if room < granted:
                granted, error = max(room, 0), BoundReached(FULL_SECONDS)
        return dict.fromkeys(bounded[granted:], error)


async def forget_budgets(connection: AsyncConnection) -> None:
    """Delete the rows of minutes that are over."""
    over = counter_budgets.c.minute < func.now() - KEPT
    await connection.execute(delete(counter_budgets).where(over))


async def _missing(connection: AsyncConnection, wanted: list[str]) -> list[str]:
    if not wanted:
        return []
    found = await queries.read_values(connection, wanted)
    return [name for name in wanted if name not in found]


async def _take(
    connection: AsyncConnection, kind: str, wanted: int, limit: int
) -> tuple[int, BoundReached]:
    """How much of what is wanted this minute has left, and the error for the rest.

    The row has all that was asked for, so what came before says what is left.
    """
    minute = func.date_trunc("minute", func.now())
    row = insert(counter_budgets).values(kind=kind, minute=minute, asked=wanted)
    own = counter_budgets.c
    statement = row.on_conflict_do_update(
        index_elements=[own.kind, own.minute],
        set_={"asked": own.asked + row.excluded.asked},
    ).returning(own.asked, extract("second", func.now()))
    asked, second = (await connection.execute(statement)).one()
    left = max(limit - (asked - wanted), 0)
    return min(left, wanted), BoundReached(60 - int(second))
