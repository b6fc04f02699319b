"""How many counters and keys strangers may make.

The bounds are exact for the database as a whole. Whoever makes something new takes it
out of the minute's row, in the transaction of its batch, and holds that row until the
COMMIT. Whoever counts what exists neither reads nor writes anything for it: a worker
remembers the counters that it has seen.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Text,
    any_,
    bindparam,
    delete,
    extract,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from my_app.counter_app import names
from my_app.counter_app.increments import BoundReached, Increment
from my_app.counter_app.settings import CounterSettings
from my_app.counter_app.tables import counter_budgets, counters
from quart_chassis.database import Statement, Succession

COUNTERS, KEYS = "counters", "keys"
# Any number will do, as long as no other program on this database uses it.
NEW_COUNTERS_LOCK = 7_310_571_003
# Names that a worker remembers: 8 MB of the longest.
MOST_SEEN = 50_000
# When there may be room again after MAX_COUNTERS: when the owner has made some.
FULL_SECONDS = 3600
KEPT = timedelta(hours=1)


class CounterDeleted(Exception):
    """A counter that this worker had seen is gone, so the batch is tried again."""


class Bounds:
    """What one worker knows of the bounds; `seen` are counters that exist."""

    def __init__(self, settings: CounterSettings) -> None:
        self._settings = settings
        self._free = {names.HOME, *settings.COUNTER_NAMES}
        self._found: list[str] = []
        self.seen: set[str] = set()

    async def refuse_keys(
        self, connection: Succession, keyed: list[Increment]
    ) -> dict[Increment, BoundReached]:
        """Which keys are too many, of new ones that this transaction has claimed."""
        if not keyed:
            return {}
        limit = self._settings.KEYS_PER_MINUTE
        granted, error = await _take(connection, KEYS, len(keyed), limit)
        return dict.fromkeys(keyed[granted:], error)

    async def refuse_counters(
        self, connection: Succession, wanted: Iterable[str]
    ) -> tuple[list[str], dict[str, BoundReached]]:
        """Which of these do not exist, and which of them are too many: the last."""
        self._found = [name for name in wanted if name not in self.seen]
        if not self._found:
            return [], {}
        new = await _missing(connection, self._found)
        refused = await self._refuse(connection, new)
        self._found = [name for name in self._found if name not in refused]
        return new, refused

    def remember(self) -> None:
        """What was looked for last exists: the transaction was committed."""
        if len(self.seen) > MOST_SEEN:
            self.seen.clear()
        self.seen.update(self._found)

    def check(self, made: Iterable[str], expected: Iterable[str]) -> None:
        """CounterDeleted if counters were made that nobody had looked for."""
        if surprises := set(made).difference(expected):
            self.seen -= surprises
            raise CounterDeleted(", ".join(sorted(surprises)))

    async def _refuse(
        self, connection: Succession, new: list[str]
    ) -> dict[str, BoundReached]:
        bounded = [name for name in new if name not in self._free]
        if not bounded:
            return {}
        # Only one transaction at a time may see what is missing and make it.
        await connection.fetch(_LOCK)
        bounded = await _missing(connection, bounded)
        if not bounded:
            return {}
        limit = self._settings.NEW_COUNTERS_PER_MINUTE
        granted, error = await _take(connection, COUNTERS, len(bounded), limit)
        if granted:
            ((existing,),) = await connection.fetch(_COUNT)
            room = self._settings.MAX_COUNTERS - existing
            if room < granted:
                granted, error = max(room, 0), BoundReached(FULL_SECONDS)
        return dict.fromkeys(bounded[granted:], error)


async def forget_budgets(connection: AsyncConnection) -> None:
    """Delete the rows of minutes that are over."""
    over = counter_budgets.c.minute < func.now() - KEPT
    await connection.execute(delete(counter_budgets).where(over))


async def _missing(connection: Succession, wanted: list[str]) -> list[str]:
    if not wanted:
        return []
    found = {name for (name,) in await connection.fetch(_FIND, names=wanted)}
    return [name for name in wanted if name not in found]


async def _take(
    connection: Succession, kind: str, wanted: int, limit: int
) -> tuple[int, BoundReached]:
    """How much of what is wanted this minute has left, and the error for the rest.

    The row has all that was asked for, so what came before says what is left.
    """
    ((asked, second),) = await connection.fetch(_TAKE, of_kind=kind, wanted=wanted)
    left = max(limit - (asked - wanted), 0)
    return min(left, wanted), BoundReached(60 - int(second))


def _make_take() -> Any:
    row = insert(counter_budgets).values(
        kind=bindparam("of_kind"),
        minute=func.date_trunc("minute", func.now()),
        asked=bindparam("wanted"),
    )
    own = counter_budgets.c
    return row.on_conflict_do_update(
        index_elements=[own.kind, own.minute],
        set_={"asked": own.asked + row.excluded.asked},
    ).returning(own.asked, extract("second", func.now()))


def _make_find() -> Any:
    names = bindparam("names", type_=ARRAY(Text))
    return select(counters.c.name).where(counters.c.name == any_(names))


_TAKE, _FIND = Statement(_make_take()), Statement(_make_find())
_COUNT = Statement(select(func.count()).select_from(counters))
_LOCK = Statement(select(func.pg_advisory_xact_lock(NEW_COUNTERS_LOCK)))
