"""The database: the tables' metadata, the engine's life, and `begin()`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
from quart import Quart, current_app
from sqlalchemy import Connection, MetaData, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from my_app import UserError, database_url, embedded
from my_app.settings import Settings
from my_app.sources import project_root

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

# Names of constraints are part of the schema: without a rule they would be PostgreSQL's
# to choose, and a migration could not name them.
metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

# SQLSTATEs that say the database cannot serve now, not that a statement is wrong:
# connection, authorization, no such database, conflict, resources, timeouts and
# shutdowns, system; a lock not had, a standby, a transaction that idled too long.
UNAVAILABLE = ("08", "28", "3D", "40", "53", "57", "58", "55P03", "25006", "25P03")


class DatabaseUnavailable(Exception):
    """The database did not serve.

    `committed` is False where nothing can have been stored, None where nobody knows.
    """

    def __init__(self, committed: bool | None) -> None:
        super().__init__("the database is not available")
        self.committed = committed


def install(app: Quart, settings: Settings) -> None:
    """Give `app` an engine, which lives as long as the app serves; no I/O."""
    app.extensions["engine"] = engine = make_engine(settings)
    app.extensions["settings"] = settings

    @app.while_serving
    async def dispose_at_the_end() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await engine.dispose()


@asynccontextmanager
async def begin(seconds: float | None = None) -> AsyncIterator[AsyncConnection]:
    """A transaction: leaving the block commits, raising rolls back.

    DatabaseUnavailable ends it after `seconds` (WAIT_SECONDS if None), or as soon as
    the database is seen to be away.
    """
    engine: AsyncEngine = current_app.extensions["engine"]
    committed: bool | None = False
    try:
        async with asyncio.timeout(seconds or wait_seconds()):
            async with engine.connect() as connection:
                await connection.begin()
                yield connection
                # From here on a failure no longer tells whether the server committed.
                committed = None
                await connection.commit()
    except Exception as error:
        if not says_unavailable(error):
            raise
        raise DatabaseUnavailable(committed) from error


def wait_seconds() -> float:
    """The longest a request waits for the database."""
    settings: Settings = current_app.extensions["settings"]
    return settings.WAIT_SECONDS


def says_unavailable(error: BaseException) -> bool:
    """Whether `error` is about the database's absence and not about a statement."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        if error.connection_invalidated:
            return True
        error = error.orig.__cause__ or error.orig
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate).startswith(UNAVAILABLE)
    kinds = (OSError, TimeoutError, PoolTimeoutError, asyncpg.InterfaceError)
    # Raised where none of several hosts has the target_session_attrs asked for.
    return isinstance(error, (*kinds, asyncpg.InternalClientError))


def problem(error: BaseException, settings: Settings) -> UserError | None:
    """What the person at the terminal can do about `error`; None: it is no such case.

    For terminals only: it names the host.
    """
    if not says_unavailable(error):
        return None
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig.__cause__ or error.orig
    where = f"the database at {settings.database_host}"
    if settings.embedded:
        remedy = "python3 manage.py run starts it"
    else:
        remedy = "check that it runs and what DATABASE_URL or DB_HOST and DB_PORT say"
    match str(getattr(error, "sqlstate", "")):
        case "28P01" | "28000":
            remedy = "check the user and the password in DATABASE_URL or DB_USERNAME "
            remedy += "and DB_PASSWORD; a database keeps those it was made with"
        case "3D000":
            remedy = "make it (createdb), or check DATABASE_URL or DATABASE_NAME"
        case "55P03":
            remedy = "another transaction is using a table that must change; try again"
    said = str(error) or type(error).__name__
    return UserError(f"{where} does not serve ({said}); {remedy}")


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
    """Keyword arguments for `asyncpg.connect`: where, who, and how long to try."""
    timeout = settings.WAIT_SECONDS
    if settings.DATABASE_URL:
        url = database_url.parse(settings.DATABASE_URL, "DATABASE_URL")
        timeout = min(timeout, url.connect_timeout_seconds or timeout)
        return url.asyncpg_arguments() | {"timeout": timeout}
    if settings.embedded:
        address = embedded.address(project_root())
        return address | {"database": settings.DATABASE_NAME, "timeout": timeout}
    return {
        "host": settings.DB_HOST,
        "port": settings.DB_PORT,
        "user": settings.DB_USERNAME,
        "password": settings.DB_PASSWORD or None,
        "database": settings.DATABASE_NAME,
        "timeout": timeout,
    }
