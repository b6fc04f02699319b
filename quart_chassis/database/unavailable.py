"""What the database's errors mean: it cannot serve now, or a statement is wrong."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from quart_chassis.errors import UserError
from quart_chassis.settings import Settings

# SQLSTATEs that say the database cannot serve now, not that a statement is wrong:
# connection, authorization, no such database, conflict, resources, timeouts and
# shutdowns, system; a lock not had, a standby, a transaction that idled too long, and
# rights that are missing.
UNAVAILABLE = (
    *("08", "28", "3D", "40", "53", "57", "58"),
    *("55P03", "25006", "25P03", "42501"),
)


class DatabaseUnavailable(Exception):
    """The database did not serve.

    `committed` is False where nothing can have been stored, None where nobody knows.
    """

    def __init__(self, committed: bool | None) -> None:
        super().__init__("the database is not available")
        self.committed = committed


def says_unavailable(error: BaseException) -> bool:
    """Whether `error` is about the database's absence and not about a statement."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    error = _from_driver(error)
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate).startswith(UNAVAILABLE)
    # UnicodeError: a host's name that cannot be one.
    kinds = (OSError, UnicodeError, PoolTimeoutError, asyncpg.InterfaceError)
    # Raised where none of several hosts has the target_session_attrs asked for.
    return isinstance(error, (*kinds, asyncpg.InternalClientError))


def words_of(error: BaseException) -> str:
    """The driver's own words in one line, without the statement SQLAlchemy adds."""
    error = _from_driver(error)
    return f"{type(error).__name__}: {error}".replace("\n", " ").removesuffix(": ")


def problem(error: BaseException, settings: Settings) -> UserError | None:
    """What the person at the terminal can do about `error`; None: it is no such case.

    For terminals only: it names the host.
    """
    if not says_unavailable(error):
        return None
    if settings.embedded:
        remedy = "python3 manage.py run starts it"
    else:
        remedy = "check that it runs and what DATABASE_URL or DB_HOST and DB_PORT say"
    match str(getattr(_from_driver(error), "sqlstate", "")):
        case "28P01" | "28000":
            remedy = "check the user and the password in DATABASE_URL or DB_USERNAME "
            remedy += "and DB_PASSWORD; a database keeps those it was made with"
        case "3D000":
            remedy = "make it (createdb), or check DATABASE_URL or DATABASE_NAME"
        case "55P03":
            remedy = "another transaction is using a table that must change; try again"
    where = f"the database at {settings.database_host}"
    return UserError(f"{where} does not serve ({words_of(error)}); {remedy}")


def _from_driver(error: BaseException) -> BaseException:
    """Asyncpg's error where SQLAlchemy wrapped one."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error
