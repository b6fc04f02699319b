"""Every statement about counters.

Statements find rows by name, and lock them in name order: two transactions that lock
the same rows in different orders would deadlock.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Text,
    and_,
    any_,
    bindparam,
    delete,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from my_app.counter_app.settings import LARGEST_VALUE
from my_app.counter_app.tables import (
    counter_days,
    counter_robots,
    counters,
    unnested,
)
from quart_chassis.database import Statement, Succession


class Counter(NamedTuple):
    """A counter as it is shown."""

    name: str
    value: int
    created_at: datetime
    updated_at: datetime


class Sum(NamedTuple):
    """A counter's value after something was added, and whether that made it."""

    value: int
    is_new: bool


SHOWN = [counters.c[name] for name in Counter._fields]


async def add(connection: Succession, amounts: Mapping[str, int]) -> dict[str, Sum]:
    """Add to each counter, creating new ones, and return the new values.

    A counter for which `read_room` has too little stays as it is and is not returned,
    but its row is locked. PostgreSQL does the sum: reading a value and writing it back
    would lose every increment made in between.
    """
    names, numbers = list(amounts), list(amounts.values())
    found = await connection.fetch(_ADD, names=names, numbers=numbers)
    return {name: Sum(value, is_new) for name, value, is_new in found}


async def read_room(connection: Succession, name: str) -> int:
    """How much may be added to the counter, whose row is locked.

    Neither its value nor the sum of its days may pass LARGEST_VALUE.
    """
    ((room,),) = await connection.fetch(_READ_ROOM, name=name)
    return int(room)


async def read(connection: AsyncConnection, name: str) -> Counter | None:
    """The counter, or None if it does not exist."""
    found = await connection.execute(_READ, {"name": name})
    row = found.one_or_none()
    return Counter(*row) if row else None


async def read_values(
    connection: AsyncConnection, names: Collection[str]
) -> dict[str, int]:
    """The value of each of these counters that exists."""
    statement = select(counters.c.name, counters.c.value).where(
        counters.c.name == any_(bindparam("names", type_=ARRAY(Text)))
    )
    found = await connection.execute(statement, {"names": list(names)})
    return {row.name: row.value for row in found}


async def read_page(
    connection: AsyncConnection, limit: int, after: str
) -> list[Counter]:
    """Up to `limit` counters with names past `after`, in name order."""
    statement = select(*SHOWN).where(counters.c.name > after)
    found = await connection.execute(statement.order_by(counters.c.name).limit(limit))
    return [Counter(*row) for row in found]


async def put(connection: AsyncConnection, name: str, value: int) -> Counter:
    """Set the counter, creating it if it is new, and return it; its days stay."""
    row = insert(counters).values(name=name, value=value, base=value)
    own, new = counters.c, row.excluded
    statement = row.on_conflict_do_update(
        index_elements=[own.name],
        set_={
            "value": new.value,
            "base": new.value - (own.value - own.base),
            "updated_at": new.updated_at,
        },
    ).returning(*SHOWN)
    return Counter(*(await connection.execute(statement)).one())


async def remove(connection: AsyncConnection, name: str) -> bool:
    """Delete the counter and its history; False if it did not exist."""
    statement = delete(counters).where(counters.c.name == name)
    if not (await connection.execute(statement)).rowcount:
        return False
    for table in (counter_days, counter_robots):
        own = table.c.counter_name == name
        await connection.execute(delete(table).where(own))
    return True


def _make_add() -> Any:
    given = unnested(name=Text, number=BigInteger)
    new_row = select(given.name, given.number, literal(0, BigInteger))
    added = insert(counters).from_select(
        ["name", "value", "base"], new_row.order_by(given.name)
    )
    own, new = counters.c, added.excluded
    most = LARGEST_VALUE - new.value
    return added.on_conflict_do_update(
        index_elements=[own.name],
        set_={"value": own.value + new.value, "updated_at": new.updated_at},
        where=and_(own.value <= most, own.value - own.base <= most),
    ).returning(
        own.name,
        own.value,
        # Both have the time at which the transaction began, and no other row has both.
        (own.created_at == own.updated_at).label("is_new"),
    )


def _make_read_room() -> Any:
    own = counters.c
    room = LARGEST_VALUE - func.greatest(own.value, own.value - own.base)
    return select(room).where(own.name == bindparam("name"))


_ADD, _READ_ROOM = Statement(_make_add()), Statement(_make_read_room())
_READ = select(*SHOWN).where(counters.c.name == bindparam("name"))
