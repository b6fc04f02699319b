"""Every statement about counters.

Statements find rows by name, and lock them in name order: two transactions that lock
the same rows in different orders would deadlock.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Text, any_, bindparam, delete, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from my_app.counter_app.settings import LARGEST_VALUE
from my_app.counter_app.tables import counters, unnested


class Counter(NamedTuple):
    """A row of `counters`."""

    name: str
    value: int
    created_at: datetime
    updated_at: datetime


async def add(
    connection: AsyncConnection, amounts: Mapping[str, int]
) -> dict[str, int]:
    """Add to each counter, creating new ones, and return the new values.

    A counter that would pass LARGEST_VALUE stays as it is and is not returned, but its
    row is locked. PostgreSQL does the sum: reading a value and writing it back would
    lose every increment made in between.
    """
    parameters = {"names": list(amounts), "numbers": list(amounts.values())}
    found = await connection.execute(_ADD, parameters)
    return {row.name: row.value for row in found}


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
    statement = select(counters).where(counters.c.name > after)
    found = await connection.execute(statement.order_by(counters.c.name).limit(limit))
    return [Counter(*row) for row in found]


async def put(connection: AsyncConnection, name: str, value: int) -> Counter:
    """Set the counter, creating it if it is new, and return it."""
    row = insert(counters).values(name=name, value=value)
    new = row.excluded
    statement = row.on_conflict_do_update(
        index_elements=[counters.c.name],
        set_={"value": new.value, "updated_at": new.updated_at},
    ).returning(counters)
    return Counter(*(await connection.execute(statement)).one())


async def remove(connection: AsyncConnection, name: str) -> bool:
    """Delete the counter; False if it did not exist."""
    statement = delete(counters).where(counters.c.name == name)
    return (await connection.execute(statement)).rowcount > 0


def _make_add() -> Any:
    given = unnested(name=Text, number=BigInteger)
    ordered = select(*given).order_by(given.name)
    added = insert(counters).from_select(["name", "value"], ordered)
    own, new = counters.c, added.excluded
    return added.on_conflict_do_update(
        index_elements=[own.name],
        set_={"value": own.value + new.value, "updated_at": new.updated_at},
        where=own.value <= LARGEST_VALUE - new.value,
    ).returning(own.name, own.value)


_ADD = _make_add()
_READ = select(counters).where(counters.c.name == bindparam("name"))
