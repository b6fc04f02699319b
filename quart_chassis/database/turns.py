"""One process at a time migrates a database."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# Any number will do, as long as no other program on this database uses it.
LOCK = 7_310_571_001
POLL_SECONDS = 0.1


async def wait_for_turn(connection: AsyncConnection) -> None:
    """Hold the lock in a transaction on `connection`, which the caller ends.

    It is asked for again and again, each time in a transaction of its own: one that
    waits has a snapshot, for which CREATE INDEX CONCURRENTLY in the process ahead would
    wait in turn. The lock belongs to the transaction, because behind a pooler a session
    is nobody's own.
    """
    ask = text("SELECT pg_try_advisory_xact_lock(:lock)").bindparams(lock=LOCK)
    await connection.begin()
    while not (await connection.execute(ask)).scalar_one():
        await connection.rollback()
        await asyncio.sleep(POLL_SECONDS)
        await connection.begin()


async def let_go_of_snapshot(connection: AsyncConnection) -> None:
    """Go on with the transaction as one that nobody need wait for.

    What was asked last keeps its snapshot (in an unnamed portal: PostgreSQL manual,
    "Extended Query") until something is asked by the simple protocol.
    """
    raw = (await connection.get_raw_connection()).driver_connection
    assert raw is not None
    await raw.execute("SELECT 1")
