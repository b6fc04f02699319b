"""Every statement that exports and imports counters."""

import datetime as dt
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Text,
    any_,
    bindparam,
    delete,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from my_app.counter_app import tables
from my_app.stats_app.lines import Counter

TIME = DateTime(timezone=True)
COLUMNS = ("name", "value", "base", "created_at", "updated_at")


async def read_page(
    connection: AsyncConnection, after: str, size: int
) -> list[Counter]:
    """Up to `size` counters with names past `after`, in name order."""
    own = tables.counters.c
    rows = await connection.execute(
        select(*(own[name] for name in COLUMNS))
        .where(own.name > after)
        .order_by(own.name)
        .limit(size)
    )
    counters = {row.name: Counter(**row._mapping, days={}) for row in rows}
    of_days = tables.counter_days.c
    found = await connection.execute(
        select(of_days.counter_name, of_days.day, of_days.value)
        .where(of_days.counter_name == any_(bindparam("names", type_=ARRAY(Text))))
        .order_by(of_days.counter_name, of_days.day),
        {"names": list(counters)},
    )
    for name, days in groupby(found, key=lambda row: row.counter_name):
        counters[name].days = {row.day: row.value for row in days}
    return list(counters.values())


async def write(connection: AsyncConnection, given: Iterable[Counter]) -> None:
    """Write these counters and their days over those of the same names.

    Their rows are locked in name order, as everywhere; their days afterwards.
    """
    counters = sorted(given, key=lambda counter: counter.name)
    values = {
        f"{name}s": [getattr(each, name) for each in counters] for name in COLUMNS
    }
    await connection.execute(_WRITE, values)
    days = tables.counter_days
    await connection.execute(
        delete(days).where(
            days.c.counter_name == any_(bindparam("names", type_=ARRAY(Text)))
        ),
        {"names": values["names"]},
    )
    rows = list(_days_of(counters))
    if rows:
        names, dates, numbers = zip(*rows, strict=True)
        await connection.execute(
            _WRITE_DAYS,
            {"names": list(names), "days": list(dates), "values": list(numbers)},
        )


def _days_of(counters: Iterable[Counter]) -> Iterator[tuple[str, dt.date, int]]:
    for counter in counters:
        for day, value in counter.days.items():
            yield counter.name, day, value


def _make_write() -> Any:
    given = tables.unnested(
        name=Text, value=BigInteger, base=BigInteger, created_at=TIME, updated_at=TIME
    )
    rows = select(*(given[name] for name in COLUMNS)).order_by(given.name)
    added = insert(tables.counters).from_select(list(COLUMNS), rows)
    return added.on_conflict_do_update(
        index_elements=[tables.counters.c.name],
        set_={name: added.excluded[name] for name in COLUMNS[1:]},
    )


def _make_write_days() -> Any:
    given = tables.unnested(name=Text, day=Date, value=BigInteger)
    rows = select(given.name, given.day, given.value).order_by(given.name, given.day)
    columns = ["counter_name", "day", "value"]
    return insert(tables.counter_days).from_select(columns, rows)


_WRITE, _WRITE_DAYS = _make_write(), _make_write_days()
