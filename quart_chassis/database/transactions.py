"""A transaction is a block: leaving it commits, raising rolls back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
from quart import current_app
from sqlalchemy.ext.asyncio import AsyncConnection

from quart_chassis import settings
from quart_chassis.database import engines
from quart_chassis.database.replica import Replica, begun
from quart_chassis.database.unavailable import (
    DatabaseUnavailable,
    error_of_driver,
    says_unavailable,
)
from quart_chassis.settings import Settings


@asynccontextmanager
async def begin(
    seconds: float | None = None, *, read_only: bool = False
) -> AsyncIterator[AsyncConnection]:
    """A transaction: leaving the block commits, raising rolls back.

    One that is `read_only` may be a standby's, and then lacks what was committed in the
    last REPLICA_LAG_SECONDS; PostgreSQL refuses to write in it, wherever it is.

    DatabaseUnavailable ends it after `seconds` (`wait_seconds()` if None), or as soon
    as the database is known to be unavailable.
    """
    committed: bool | None = False
    of_the_block = False
    try:
        async with (
            asyncio.timeout(seconds or wait_seconds()),
            AsyncExitStack() as opened,
        ):
            connection = await _begun(opened, read_only)
            try:
                yield connection
            except OSError:
                # A file, or another host: the database is as it was.
                of_the_block = not _is_lost(connection)
                raise
            if _is_lost(connection):
                raise ConnectionResetError("it was lost before COMMIT was sent")
            # A failure of the commit does not tell whether the server committed.
            committed = None
            await connection.commit()
            # Nothing is left to roll back, so it needs no task that survives this one,
            # which would cost as much as the commit.
            opened.pop_all()
            await connection.close()
    except Exception as error:
        if (
            of_the_block
            or not says_unavailable(error)
            or (read_only and _is_of_writing(error))
        ):
            raise
        raise DatabaseUnavailable(committed) from error


async def _begun(opened: AsyncExitStack, read_only: bool) -> AsyncConnection:
    extensions = current_app.extensions
    if not read_only:
        return await begun(opened, extensions["engine"])
    replica: Replica | None = extensions["replica"]
    connection = await replica.connect(opened) if replica else None
    return connection or await begun(opened, extensions["reading_engine"])


@asynccontextmanager
async def begin_snapshot(seconds: float) -> AsyncIterator[AsyncConnection]:
    """A transaction that sees one state of the database, and only reads.

    For work that no request waits for, such as an export: it may take `seconds`, its
    connection is none of the pool's, and its statements have no other limit.
    DatabaseUnavailable as from `begin`.
    """
    engine = engines.make_migration_engine(settings.current(Settings))
    try:
        async with asyncio.timeout(seconds), engine.connect() as connection:
            yield await connection.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
    except Exception as error:
        if not says_unavailable(error):
            raise
        raise DatabaseUnavailable(committed=False) from error
    finally:
        await engine.dispose()


def _is_of_writing(error: Exception) -> bool:
    return isinstance(error_of_driver(error), asyncpg.ReadOnlySQLTransactionError)


def _is_lost(connection: AsyncConnection) -> bool:
    inner = connection.sync_connection
    if inner is None or inner.invalidated:
        return True
    raw = inner.connection.driver_connection
    return raw is None or raw.is_closed()


def wait_seconds() -> float:
    """The longest time that a request waits for the database, in seconds."""
    return settings.current(Settings).limit_seconds
