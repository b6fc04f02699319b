"""Connections, whose transactions cost fewer round trips than asyncpg's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED;"


# asyncpg has no types.
class LimitedConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that sends a transaction's limits with its BEGIN."""

    limits = ""
    # Whether its transactions follow one another, whether another one follows the one
    # that is committed, and whether that has begun.
    is_serial = goes_on = has_begun = False

    async def execute(self, query: str, *args: Any, **options: Any) -> Any:
        """As asyncpg's."""
        if query.startswith("BEGIN"):
            query += self.limits
        return await super().execute(query, *args, **options)

    def transaction(self, **options: Any) -> Any:
        """As asyncpg's."""
        return _Serial(self) if self.is_serial else super().transaction(**options)


class _Serial:
    """A transaction that may have begun when the one before it was committed.

    It has what SQLAlchemy calls of asyncpg's, which refuses what it did not begin.
    """

    def __init__(self, connection: LimitedConnection) -> None:
        self._connection = connection

    async def start(self) -> None:
        if not self._connection.has_begun:
            await self._connection.execute(BEGIN)
        self._connection.has_begun = False

    async def commit(self) -> None:
        if self._connection.goes_on:
            next_one = BEGIN + self._connection.limits
            await self._connection.execute(f"COMMIT;{next_one}")
            self._connection.has_begun = True
        else:
            await self._connection.execute("COMMIT")

    async def rollback(self) -> None:
        await self._connection.execute("ROLLBACK")


class Succession:
    """One transaction after another: begin, execute on `connection`, commit."""

    def __init__(self, connection: AsyncConnection, raw: LimitedConnection) -> None:
        self.connection = connection
        self._raw = raw

    async def begin(self) -> None:
        """Begin one, or go on with the one that has begun."""
        await self.connection.begin()

    async def commit(self, *, goes_on: bool) -> None:
        """Commit, and begin the next one in the same message if it `goes_on`."""
        self._raw.goes_on = goes_on
        await self.connection.commit()


@asynccontextmanager
async def in_succession(engine: AsyncEngine) -> AsyncIterator[Succession]:
    """Transactions for who has many, on one connection.

    After any error in the block the connection is terminated and not reused: its server
    may have stopped answering.
    """
    async with engine.connect() as connection:
        pooled = await connection.get_raw_connection()
        raw = cast(LimitedConnection, pooled.driver_connection)
        try:
            raw.is_serial = True
            yield Succession(connection, raw)
            if raw.has_begun:
                await raw.execute("ROLLBACK")
            raw.is_serial = raw.has_begun = False
        except BaseException:
            raw.terminate()
            # Else it would be rolled back, and that error would hide this one.
            await connection.invalidate()
            raise
