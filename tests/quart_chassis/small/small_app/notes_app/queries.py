"""Every statement about notes."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from small_app.notes_app.tables import notes


class Row(NamedTuple):
    """A row of `notes`."""

    number: int
    text: str
    created_at: datetime


async def count(connection: AsyncConnection) -> int:
    """How many notes there are."""
    found: int = (
        await connection.execute(select(func.count()).select_from(notes))
    ).scalar_one()
    return found


async def add(connection: AsyncConnection, text: str) -> Row:
    """A new note."""
    statement = insert(notes).values(text=text).returning(notes)
    return Row(*(await connection.execute(statement)).one())


async def page(connection: AsyncConnection, after: int, limit: int) -> list[Row]:
    """The next notes."""
    statement = select(notes).where(notes.c.number > after).order_by(notes.c.number)
    found = await connection.execute(statement.limit(limit))
    return [Row(*row) for row in found]


async def remove(connection: AsyncConnection, number: int) -> bool:
    """Whether there was such a note; now there is none."""
    found = await connection.execute(delete(notes).where(notes.c.number == number))
    return found.rowcount > 0
