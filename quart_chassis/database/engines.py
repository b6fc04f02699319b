"""Engines: where the database is, and what every transaction is limited to."""

from typing import TYPE_CHECKING

import asyncpg
from sqlalchemy import Connection, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from quart_chassis.postgres import embedded
from quart_chassis.settings import Settings, database_url

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection


def make_engine(settings: Settings) -> AsyncEngine:
    """The application's engine: a bounded pool, and limits on every transaction.

    The limits derive from WAIT_SECONDS, so that a stalled connection of ours gives up
    its rows before another's wait for them ends, and that before the caller's.
    """
    milliseconds = settings.WAIT_SECONDS * 1000
    engine = create_async_engine(
        "postgresql+asyncpg://",
        isolation_level="READ COMMITTED",
        pool_size=settings.DB_POOL_SIZE,
        max_overflow=0,
        pool_timeout=settings.WAIT_SECONDS,
        hide_parameters=True,
        # The client's own limit is the longer one, for a server that fell silent.
        connect_args=_arguments(settings)
        | {"command_timeout": settings.WAIT_SECONDS * 0.6},
    )
    _limit_transactions(
        engine,
        idle_in_transaction_session_timeout=round(milliseconds * 0.15),
        lock_timeout=round(milliseconds * 0.25),
        statement_timeout=round(milliseconds * 0.5),
    )

    # SQLAlchemy's own ping costs three round trips; this costs none, because a server
    # that stops closes its connections.
    @event.listens_for(engine.sync_engine, "checkout")
    def replace_closed(
        connection: "DBAPIConnection",
        _entry: "ConnectionPoolEntry",
        _proxy: "PoolProxiedConnection",
    ) -> None:
        if connection.driver_connection.is_closed():
            raise DisconnectionError

    return engine


def make_migration_engine(settings: Settings) -> AsyncEngine:
    """An engine whose statements may take their time but not keep others waiting.

    A statement that waits for a table's lock makes every later one wait behind it, so
    it gives up after three seconds.
    """
    engine = create_async_engine(
        "postgresql+asyncpg://",
        isolation_level="READ COMMITTED",
        poolclass=NullPool,
        hide_parameters=True,
        connect_args=_arguments(settings),
    )
    _limit_transactions(
        engine,
        idle_in_transaction_session_timeout=0,
        lock_timeout=3000,
        statement_timeout=0,
    )
    return engine


def _limit_transactions(engine: AsyncEngine, **milliseconds: int) -> None:
    """Begin each transaction with these limits, set for it alone.

    That holds behind a pooler too, which refuses startup parameters and would hand the
    settings of a session on to somebody else's. A server that commits without waiting
    for its disk is told to wait, or what was answered could be lost.
    """
    limits = ", ".join(
        f"set_config('{name}', '{value}', true)" for name, value in milliseconds.items()
    )
    statement = (
        f"SELECT {limits}, CASE WHEN current_setting('synchronous_commit') = 'off' "
        "THEN set_config('synchronous_commit', 'on', true) END"
    )

    @event.listens_for(engine.sync_engine, "begin")
    def set_limits(connection: Connection) -> None:
        connection.exec_driver_sql(statement)


def _arguments(settings: Settings) -> dict[str, object]:
    """What SQLAlchemy hands to asyncpg, through a function that connects.

    SQLAlchemy's own URL fails on several hosts with ports and on `sslmode`; a password
    that never stands in a URL needs no escaping either.
    """

    async def connect(**limits: object) -> asyncpg.Connection:
        address = address_of(settings)
        if settings.DB_POOLER:
            # A statement prepared on one server connection is unknown on the next.
            limits["statement_cache_size"] = 0
        return await asyncpg.connect(**address, **limits)

    arguments: dict[str, object] = {"async_creator_fn": connect}
    if settings.DB_POOLER:
        arguments["prepared_statement_cache_size"] = 0
    return arguments


def address_of(settings: Settings) -> dict[str, object]:
    """Keyword arguments for `asyncpg.connect`: where, who, and how long to try.

    A server that froze takes the connection and says nothing. Half the wait leaves room
    for a second try, which a restarted one answers.
    """
    timeout = settings.WAIT_SECONDS / 2
    if settings.DATABASE_URL:
        url = database_url.parse(settings.DATABASE_URL, "DATABASE_URL")
        timeout = min(timeout, url.connect_timeout_seconds or timeout)
        return url.asyncpg_arguments() | {"timeout": timeout}
    if settings.embedded:
        folder = embedded.folder_of(settings.project)
        return embedded.address(folder) | {
            "database": settings.DATABASE_NAME,
            "timeout": timeout,
        }
    return {
        "host": settings.DB_HOST,
        "port": settings.DB_PORT,
        "user": settings.DB_USERNAME,
        # asyncpg takes no subclass of str.
        "password": str(settings.DB_PASSWORD) or None,
        "database": settings.DATABASE_NAME,
        "timeout": timeout,
    }
