"""A database for a moment, with the schema that the migrations make.

A new migration is written from what differs between it and the tables. Whatever else is
in the developer's own database, made by hand, by another branch or by another program,
is never seen, and so never dropped.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from quart_chassis.database import engines, revisions
from quart_chassis.errors import UserError
from quart_chassis.settings import Settings


@asynccontextmanager
async def at_head(settings: Settings) -> AsyncIterator[AsyncConnection]:
    """A connection to such a database, on the configured server; it goes afterwards."""
    name = f"makemigration_{secrets.token_hex(4)}"
    server = await engines.connect_once(settings)
    try:
        await _create(server, name)
        engine = engines.make_migration_engine(settings, database=name)
        try:
            async with engine.connect() as connection:
                await connection.run_sync(
                    revisions.move, settings.project, set(), "head"
                )
                yield connection
        finally:
            await engine.dispose()
            await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await server.close()


async def _create(server: asyncpg.Connection, name: str) -> None:
    try:
        await server.execute(f"CREATE DATABASE {name}")
    except asyncpg.InsufficientPrivilegeError:
        raise UserError(
            "makemigration makes a database for a moment, and the database's user may "
            "not; give it CREATEDB, or set DB_HOST=embedded for this command"
        ) from None
