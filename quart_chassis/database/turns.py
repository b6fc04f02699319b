"""One process at a time migrates a database."""

import asyncio

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# Any number that no other program on this database uses.
LOCK = 7_310_571_001
POLL_SECONDS = 0.1


async def wait_for_turn(connection: AsyncConnection) -> None:
    """Take the lock in a transaction on `connection`, which the caller ends.

    Each attempt is a new transaction: a waiting one would keep a snapshot, and CREATE
    INDEX CONCURRENTLY in the process that has the lock would wait for it. The lock
    belongs to the transaction, because a pooler shares sessions between clients.
    """
    ask = text("SELECT pg_try_advisory_xact_lock(:lock)").bindparams(lock=LOCK)
    await connection.begin()
    while not (await connection.execute(ask)).scalar_one():
        await connection.rollback()
        await asyncio.sleep(POLL_SECONDS)
        await connection.begin()


async def let_go_of_snapshot(connection: AsyncConnection) -> None:
    """Release the transaction's snapshot, so that no other transaction waits for it.

    The last statement keeps its snapshot (in an unnamed portal: PostgreSQL manual,
    "Extended Query") until a statement uses the simple protocol.
    """
    raw = (await connection.get_raw_connection()).driver_connection
    assert raw is not None
    await raw.execute("SELECT 1")
