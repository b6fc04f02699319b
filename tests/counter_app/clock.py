"""The database's clock, as a test sets it."""

import asyncpg

from quart_chassis.testing.one_database import needs_its_own

MINUTE = "2026-03-01 12:00:30+00"


async def set_clock(database: str, time: str = MINUTE) -> None:
    """Have `now()` say this in statements, of connections that are opened later, too.

    Defaults of columns still have the real time: the schema names the real function.
    """
    needs_its_own()
    connection = await asyncpg.connect(database)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(
        f"""
        CREATE SCHEMA IF NOT EXISTS clock;
        CREATE OR REPLACE FUNCTION clock.now() RETURNS timestamptz
            LANGUAGE sql STABLE AS $$ SELECT timestamptz '{time}' $$;
        ALTER DATABASE "{name}" SET search_path = clock, pg_catalog, public;
        """
    )
    await connection.close()
