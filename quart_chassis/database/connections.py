"""Connections, whose transactions cost less than SQLAlchemy's and asyncpg's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import asyncpg
from sqlalchemy import Executable, make_url
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.sql import ClauseElement

BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED;"
DIALECT = make_url("postgresql+asyncpg://").get_dialect()()


# asyncpg has no types.
class LimitedConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection that sends a transaction's limits with its BEGIN.

    `host` is its host's number among those of the URL.
    """

    limits = ""
    host = 0

    async def execute(self, query: str, *args: Any, **options: Any) -> Any:
        """As asyncpg's."""
        if query.startswith("BEGIN"):
            query += self.limits
        return await super().execute(query, *args, **options)


class Statement:
    """A statement of SQLAlchemy's, compiled once for `Succession.fetch`.

    `clause` is the statement itself, `text` what is sent.
    """

    def __init__(self, statement: Executable) -> None:
        self.clause = statement
        compiled = cast(ClauseElement, statement).compile(dialect=DIALECT)
        self.text = str(compiled)
        self._names: list[str] = getattr(compiled, "positiontup", None) or []
        binds = getattr(compiled, "binds", {})
        self._wanted = {name for name in self._names if binds[name].required}
        self._constants = compiled.params

    def values(self, given: dict[str, Any]) -> list[Any]:
        """The parameters in order; TypeError if other names are given than wanted."""
        if given.keys() != self._wanted:
            raise TypeError(f"wanted {self._wanted}, and given {set(given)}")
        values = {**self._constants, **given}
        return [values[name] for name in self._names]


class Succession:
    """One transaction after another: begin, fetch, commit.

    `raw` is asyncpg's connection.
    """

    def __init__(self, raw: LimitedConnection) -> None:
        self.raw = raw
        self._has_begun = False

    async def begin(self) -> None:
        """Begin one, or go on with the one that has begun."""
        if not self._has_begun:
            await self.raw.execute(BEGIN)
        self._has_begun = False

    async def fetch(self, statement: Statement, **given: Any) -> list[Any]:
        """The rows of a statement, as asyncpg has them, and its errors as well."""
        values = statement.values(given)
        rows: list[Any] = await self.raw.fetch(statement.text, *values)
        return rows

    async def commit(self, *, goes_on: bool) -> None:
        """Commit, and begin the next one in the same message if it `goes_on`."""
        if goes_on:
            await self.raw.execute(f"COMMIT;{BEGIN}{self.raw.limits}")
        else:
            await self.raw.execute("COMMIT")
        self._has_begun = goes_on

    async def end(self) -> None:
        """Leave no transaction open."""
        if self._has_begun:
            await self.raw.execute("ROLLBACK")


@asynccontextmanager
async def in_succession(engine: AsyncEngine) -> AsyncIterator[Succession]:
    """Transactions for who has many, on one connection.

    SQLAlchemy lends the connection and takes no part in them: it would cost more than
    the statements do. After any error in the block the connection is terminated and not
    reused: its server may have stopped answering.
    """
    async with engine.connect() as connection:
        pooled = await connection.get_raw_connection()
        raw = cast(LimitedConnection, pooled.driver_connection)
        try:
            transactions = Succession(raw)
            yield transactions
            await transactions.end()
        except BaseException as error:
            raw.terminate()
            # Who listens to the pool learns why.
            await connection.invalidate(error)
            raise
