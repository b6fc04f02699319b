"""SQLAlchemy's engine on asyncpg, as its documentation shows it."""

from sqlalchemy import BigInteger, Column, DateTime, MetaData, Table, Text, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from common import POOL_SIZE, UPSERT, URL

engine = create_async_engine(
    URL.replace("postgresql://", "postgresql+asyncpg://"),
    pool_size=POOL_SIZE,
    max_overflow=0,
)


async def count() -> int:
    async with engine.begin() as connection:
        return (await connection.execute(text(UPSERT))).scalar_one()


books = Table(
    "books",
    MetaData(),
    Column("id", BigInteger, primary_key=True),
    Column("title", Text),
    Column("created_at", DateTime(timezone=True)),
)


async def read_book(book_id: int) -> dict[str, object] | None:
    statement = select(books).where(books.c.id == book_id)
    async with engine.connect() as connection:
        found = (await connection.execute(statement)).one_or_none()
    return None if found is None else dict(found._mapping)
