"""Every statement about counters' days.

A day is one of UTC, by the database's clock. Whoever writes days has locked the
counters' rows, so the order in which days are locked cannot matter.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    Integer,
    Text,
    bindparam,
    cast,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from my_app.counter_app.tables import (
    counter_days,
    counter_robots,
    counters,
    unnested,
)
from quart_chassis.database import Statement, Succession

TODAY = cast(func.timezone("UTC", func.now()), Date)
# Counters of one step of the janitor, each in a transaction of its own.
STEP = 100


async def add_days(connection: Succession, amounts: Mapping[str, int]) -> None:
    """Add to today of each counter; their rows are locked by this transaction."""
    names, numbers = list(amounts), list(amounts.values())
    await connection.fetch(_ADD, names=names, numbers=numbers)


async def read_days(
    connection: AsyncConnection, name: str, first: dt.date, last: dt.date
) -> dict[dt.date, int]:
    """What the counter counted on each day of these, where it counted anything."""
    parameters = {"name": name, "first": first, "last": last}
    found = await connection.execute(_READ, parameters)
    return {row.day: row.value for row in found}


async def read_last(connection: AsyncConnection, name: str, days: int) -> int:
    """What the counter counted in its last `days`, of which today is one."""
    found = await connection.execute(_READ_LAST, {"name": name, "days": days})
    return int(found.scalar_one())


async def add_robots(connection: AsyncConnection, seen: Mapping[str, int]) -> None:
    """Add to what robots saw today of each counter that exists."""
    given = unnested(name=Text, number=BigInteger)
    known = select(counters.c.name, TODAY, given.number).join_from(
        given.name.table, counters, counters.c.name == given.name
    )
    added = insert(counter_robots).from_select(
        ["counter_name", "day", "value"], known.order_by(counters.c.name)
    )
    own = counter_robots.c
    statement = added.on_conflict_do_update(
        index_elements=[own.counter_name, own.day],
        set_={"value": own.value + added.excluded.value},
    )
    parameters = {"names": list(seen), "numbers": list(seen.values())}
    await connection.execute(statement, parameters)


async def read_robots(connection: AsyncConnection, name: str, days: int) -> int:
    """How often robots saw the counter in its last `days`, of which today is one."""
    own = counter_robots.c
    found = await connection.execute(
        select(func.coalesce(func.sum(own.value), 0)).where(
            own.counter_name == name, own.day > TODAY - days
        )
    )
    return int(found.scalar_one())


async def forget_robots(connection: AsyncConnection, days_kept: int) -> None:
    """Delete what robots saw before the last `days_kept` days."""
    old = counter_robots.c.day <= TODAY - days_kept
    await connection.execute(delete(counter_robots).where(old))


async def find_old(connection: AsyncConnection, days_kept: int) -> list[str]:
    """STEP counters at most that have days before the last `days_kept`."""
    own = counter_days.c
    statement = select(own.counter_name).where(own.day <= TODAY - days_kept)
    found = await connection.execute(statement.order_by(own.day).limit(STEP))
    return sorted(set(found.scalars()))


async def let_go(connection: AsyncConnection, name: str, days_kept: int) -> None:
    """Delete the counter's old days, which become part of its base."""
    own = counters.c
    await connection.execute(select(own.name).where(own.name == name).with_for_update())
    days = counter_days.c
    old = (days.counter_name == name, days.day <= TODAY - days_kept)
    gone = await connection.execute(
        delete(counter_days).where(*old).returning(days.value)
    )
    base = update(counters).where(own.name == name)
    await connection.execute(base.values(base=own.base + sum(gone.scalars())))


def _make_add() -> Any:
    given = unnested(name=Text, number=BigInteger)
    ordered = select(given.name, TODAY, given.number).order_by(given.name)
    added = insert(counter_days).from_select(["counter_name", "day", "value"], ordered)
    own = counter_days.c
    return added.on_conflict_do_update(
        index_elements=[own.counter_name, own.day],
        set_={"value": own.value + added.excluded.value},
    )


_ADD = Statement(_make_add())
_READ = select(counter_days.c.day, counter_days.c.value).where(
    counter_days.c.counter_name == bindparam("name"),
    counter_days.c.day.between(bindparam("first"), bindparam("last")),
)
_READ_LAST = select(func.coalesce(func.sum(counter_days.c.value), 0)).where(
    counter_days.c.counter_name == bindparam("name"),
    counter_days.c.day > TODAY - bindparam("days", type_=Integer),
)
