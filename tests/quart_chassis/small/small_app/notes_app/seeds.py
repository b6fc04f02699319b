"""Rows to develop with."""

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from small_app.notes_app.tables import shelves


async def seeds(connection: AsyncConnection) -> None:
    """A shelf to put notes on; there is one however often this runs."""
    statement = insert(shelves).values(name="By the door", width=80)
    await connection.execute(statement.on_conflict_do_nothing())
