"""Engines: the address of the database, and limits on every transaction."""

from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from quart_chassis.database import lost
from quart_chassis.database.connections import LimitedConnection
from quart_chassis.database.hosts import Hosts
from quart_chassis.postgres import embedded
from quart_chassis.settings import Settings, database_url

# Of WAIT_SECONDS: the server's limits on idling, a lock and a statement, and asyncpg's
# on a statement, which is longer, for a server that no longer answers.
SHARES = (0.15, 0.25, 0.5, 0.6)


def make_engine(settings: Settings) -> AsyncEngine:
    """The application's engine: a bounded pool, and limits on every transaction.

    The limits derive from WAIT_SECONDS: a stalled transaction ends before another one
    stops waiting for its rows, and that one ends before its request does. Under
    `run --reload` all of them are an hour.
    """
    limit = settings.limit_seconds
    idle, lock, statement, command = (
        round(limit * 1000 * share)
        for share in ((1, 1, 1, 1) if settings.reloading else SHARES)
    )
    hosts = Hosts()
    engine = create_async_engine(
        "postgresql+asyncpg://",
        isolation_level="READ COMMITTED",
        pool_size=settings.DB_POOL_SIZE,
        max_overflow=0,
        pool_timeout=limit,
        hide_parameters=True,
        connect_args=_arguments(
            settings,
            hosts,
            _limits(
                idle_in_transaction_session_timeout=idle,
                lock_timeout=lock,
                statement_timeout=statement,
            ),
        )
        | {"command_timeout": command / 1000},
    )
    lost.Replacing(engine, hosts)
    return engine


def make_migration_engine(
    settings: Settings, database: str | None = None
) -> AsyncEngine:
    """An engine that limits how long statements wait for locks, not how long they run.

    While a statement waits for a table's lock, every later one waits behind it, so it
    gives up after three seconds. `database` is another one on the configured server.
    """
    limits = _limits(
        idle_in_transaction_session_timeout=0, lock_timeout=3000, statement_timeout=0
    )
    return create_async_engine(
        "postgresql+asyncpg://",
        isolation_level="READ COMMITTED",
        poolclass=NullPool,
        hide_parameters=True,
        connect_args=_arguments(settings, Hosts(), limits, database),
    )


def _limits(**milliseconds: int) -> str:
    """A statement that sets these limits for the transaction that begins.

    This also works behind a pooler, which refuses startup parameters and shares
    sessions between clients. It turns `synchronous_commit` on where it is off, because
    a crash could lose a transaction whose request was answered.
    """
    limits = ", ".join(
        f"set_config('{name}', '{value}', true)" for name, value in milliseconds.items()
    )
    return (
        f"SELECT {limits}, CASE WHEN current_setting('synchronous_commit') = 'off' "
        "THEN set_config('synchronous_commit', 'on', true) END"
    )


def _arguments(
    settings: Settings, hosts: Hosts, limits: str, database: str | None = None
) -> dict[str, object]:
    """SQLAlchemy's `connect_args`, with a function that connects.

    A SQLAlchemy URL supports neither several hosts with ports nor `sslmode`, and needs
    the password escaped.
    """

    async def connect(**options: object) -> LimitedConnection:
        if database:
            options["database"] = database
        if settings.DB_POOLER:
            # A statement prepared on one server connection is unknown on the next.
            options["statement_cache_size"] = 0
        try:
            connection = await hosts.connect(addresses_of(settings), **options)
        except (UnicodeError, asyncpg.InterfaceError):
            raise
        except ValueError as error:
            # Of a variable such as PGPORT, which asyncpg reads, and does not check.
            raise asyncpg.ClientConfigurationError(str(error)) from error
        connection.limits = limits
        lost.keep_alive(connection)
        return connection

    arguments: dict[str, object] = {"async_creator_fn": connect}
    if settings.DB_POOLER:
        arguments["prepared_statement_cache_size"] = 0
    return arguments


def addresses_of(settings: Settings) -> list[dict[str, Any]]:
    """Keyword arguments for `asyncpg.connect`, for each host: address, user, timeout.

    A frozen server accepts connections and does not answer. The timeouts add up to half
    of WAIT_SECONDS, which leaves time for a second attempt at a restarted server.
    """
    timeout = settings.WAIT_SECONDS / 2
    if settings.DATABASE_URL:
        url = database_url.parse(settings.DATABASE_URL, "DATABASE_URL")
        each = url.asyncpg_arguments()
        timeout = min(timeout / len(each), url.connect_timeout_seconds or timeout)
        return [address | {"timeout": timeout} for address in each]
    if settings.embedded:
        folder = embedded.folder_of(settings.project)
        address = embedded.address(folder)
    else:
        address = {
            "host": settings.DB_HOST,
            "port": settings.DB_PORT,
            "user": settings.DB_USERNAME,
            # asyncpg does not accept a subclass of str.
            "password": str(settings.DB_PASSWORD) or None,
        }
    return [address | {"database": settings.DATABASE_NAME, "timeout": timeout}]


async def connect_once(settings: Settings) -> LimitedConnection:
    """A connection for a command, outside of any engine; close it."""
    return await Hosts().connect(addresses_of(settings))
