"""Tell errors of an unavailable database from those of a wrong statement."""

import socket
import ssl

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
    where = f"the database at {settings.database_host}"
    return UserError(
        f"{where} does not serve ({words_of(error)}); {remedy(error, settings)}"
    )


# By SQLSTATE (PostgreSQL manual, appendix A).
REMEDIES = {
    "28P01": "check the user and the password in DATABASE_URL or DB_USERNAME and "
    "DB_PASSWORD; a database keeps those it was made with",
    "28000": "check DATABASE_URL or DB_USERNAME, and the server's pg_hba.conf",
    "3D000": "create it (createdb), or check DATABASE_URL or DATABASE_NAME",
    "55P03": "another transaction is using a table that must change; try again",
    "42501": "grant the role what it lacks; from PostgreSQL 15 on, only the owner of a "
    "database may make tables in its schema public (GRANT CREATE ON SCHEMA public)",
    "25006": "this is a standby; name the primary, or all hosts with "
    "target_session_attrs=read-write",
    "25P03": "a transaction waited too long between two statements; do outside of it "
    "what needs no database",
    "53100": "make room on the disk of the database",
    "53300": "there are too many connections; lower WORKERS or DB_POOL_SIZE, or raise "
    "max_connections",
    "57P03": "the database starts or stops; wait, and try again",
    "57014": "a statement took too long; make it quicker, or raise WAIT_SECONDS",
}
NO_SUCH_HOST = "no such host is known; correct it in DATABASE_URL or DB_HOST"
REMEDIES_OF_KINDS: dict[type[BaseException], str] = {
    asyncpg.ClientConfigurationError: "correct it in DATABASE_URL, or in the PG* "
    "variable that says so",
    asyncpg.TargetServerAttributeNotMatched: "name all hosts in DATABASE_URL, or "
    "correct its target_session_attrs",
    ssl.SSLError: "correct sslmode in DATABASE_URL, or give the server its certificate",
    socket.gaierror: NO_SUCH_HOST,
    UnicodeError: NO_SUCH_HOST,
}


def remedy(error: BaseException, settings: Settings) -> str:
    """What to do about an unavailable database."""
    error = error_of_driver(error)
    if known := REMEDIES.get(str(getattr(error, "sqlstate", ""))):
        return known
    if settings.embedded:
        return "python3 manage.py run starts it"
    for kind, what_to_do in REMEDIES_OF_KINDS.items():
        if isinstance(error, kind):
            return what_to_do
    if "SSL upgrade" in str(error):
        # asyncpg has no class of its own for a server without TLS.
        return REMEDIES_OF_KINDS[ssl.SSLError]
    return (
        "check that it runs and what DATABASE_URL or DB_HOST and DB_PORT say; servers "
        "need no restart"
    )


def error_of_driver(error: BaseException) -> BaseException:
    """The asyncpg error that SQLAlchemy or DatabaseUnavailable wrapped, or `error`."""
    if isinstance(error, DatabaseUnavailable) and error.__cause__:
        error = error.__cause__
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig.__cause__ or error.orig
    return error
