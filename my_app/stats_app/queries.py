"""The statement that lists counters for people.

It reads every counter where it sorts by value, or searches: an index on the values
would cost each increment more than such a page does.
"""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from my_app.counter_app import tables
from my_app.stats_app.listing import Listing

PAGE_SIZE = 50


class Listed(NamedTuple):
    """A counter in the list."""

    name: str
    value: int
    updated_at: datetime


async def read_page(
    connection: AsyncConnection, asked: Listing
) -> tuple[list[Listed], Listed | None]:
    """Counters of a page, and the last of them if there are more."""
    own = tables.counters.c
    statement = select(*(own[name] for name in Listed._fields))
    if asked.search:
        part = asked.search.lower()
        statement = statement.where(own.name.contains(part, autoescape=True))
    if asked.order == "count":
        statement = statement.order_by(own.value.desc(), own.name)
        if asked.after is not None and asked.below is not None:
            following = tuple_(-own.value, own.name) > tuple_(-asked.below, asked.after)
            statement = statement.where(following)
    else:
        statement = statement.order_by(own.name)
        if asked.after is not None:
            statement = statement.where(own.name > asked.after)
    rows = await connection.execute(statement.limit(PAGE_SIZE + 1))
    found = [Listed(*row) for row in rows]
    shown = found[:PAGE_SIZE]
    return shown, shown[-1] if len(found) > PAGE_SIZE else None
