"""Every statement this feature sends."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from my_app.counter_app.tables import counters


async def increment(connection: AsyncConnection, name: str, amount: int) -> int:
    """The counter's value after `amount` was added; it is made if it is new.

    PostgreSQL does the sum: a value read first and written back plus one would lose
    every visit that came in between.
    """
    row = insert(counters).values(name=name, value=amount)
    statement = row.on_conflict_do_update(
        index_elements=[counters.c.name],
        set_={
            "value": counters.c.value + row.excluded.value,
            "updated_at": row.excluded.updated_at,
        },
    ).returning(counters.c.value)
    value: int = (await connection.execute(statement)).scalar_one()
    return value


async def read(connection: AsyncConnection, name: str) -> int | None:
    """The counter's value, or None if there is no such counter."""
    statement = select(counters.c.value).where(counters.c.name == name)
    return (await connection.execute(statement)).scalar_one_or_none()
