"""SQLAlchemy's engine on asyncpg, as its documentation shows it."""

from sqlalchemy import text
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
