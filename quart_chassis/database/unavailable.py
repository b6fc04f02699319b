"""Tell errors of an unavailable database from those of a wrong statement."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from quart_chassis.errors import UserError
from quart_chassis.settings import Settings

# SQLSTATEs of an unavailable database. Classes: connection, authorization, no such
# database, conflict, resources, timeouts and shutdowns, system. Codes: lock not
# available, read-only standby, transaction idle for too long, missing privilege.
UNAVAILABLE = (
    *("08", "28", "3D", "40", "53", "57", "58"),
    *("55P03", "25006", "25P03", "42501"),
)


class DatabaseUnavailable(Exception):
    """The database is unavailable.

    `committed` is False if nothing was stored, None if that is unknown.
    """

    def __init__(self, committed: bool | None) -> None:
        super().__init__("the database is not available")
        self.committed = committed


def says_unavailable(error: BaseException) -> bool:
    """Whether `error` means that the database is unavailable."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    error = error_of_driver(error)
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        # A table was changed since the connection prepared the statement; the next
        # attempt prepares it anew.
        return True
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate).startswith(UNAVAILABLE)
    # UnicodeError: the host is not a valid name.
    kinds = (OSError, UnicodeError, PoolTimeoutError, asyncpg.InterfaceError)
    # InternalClientError: no host has the required target_session_attrs.
    return isinstance(error, (*kinds, asyncpg.InternalClientError))


def words_of(error: BaseException) -> str:
    """The driver's message in one line, without the statement SQLAlchemy adds."""
    error = error_of_driver(error)
    return f"{type(error).__name__}: {error}".replace("\n", " ").removesuffix(": ")


def problem(error: BaseException, settings: Settings) -> UserError | None:
    """A UserError with a remedy if `error` means that the database is unavailable.

    For terminals only: it names the host.
    """
    if not says_unavailable(error):
        return None
    if settings.embedded:
        remedy = "python3 manage.py run starts it"
    else:
        remedy = "check that it runs and what DATABASE_URL or DB_HOST and DB_PORT say"
    match str(getattr(error_of_driver(error), "sqlstate", "")):
        case "28P01" | "28000":
            remedy = "check the user and the password in DATABASE_URL or DB_USERNAME "
            remedy += "and DB_PASSWORD; a database keeps those it was made with"
        case "3D000":
            remedy = "create it (createdb), or check DATABASE_URL or DATABASE_NAME"
        case "55P03":
            remedy = "another transaction is using a table that must change; try again"
    where = f"the database at {settings.database_host}"
    return UserError(f"{where} does not serve ({words_of(error)}); {remedy}")


def error_of_driver(error: BaseException) -> BaseException:
    """The asyncpg error that SQLAlchemy or DatabaseUnavailable wrapped, or `error`."""
    if isinstance(error, DatabaseUnavailable) and error.__cause__:
        error = error.__cause__
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error
