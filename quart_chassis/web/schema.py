"""Tell a developer which command brings the database's schema and the code together."""

from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError

from quart_chassis.database import DatabaseUnavailable, begin, migrations
from quart_chassis.errors import UserError
from quart_chassis.settings import Settings

# SQLSTATEs: undefined table, column, and object (a type).
UNDEFINED = {"42P01", "42703", "42704"}

PENDING = "Migrations are pending"
NOT_KNOWN = "The schema is not known"
FORGOTTEN = "A migration may be missing"


@dataclass(frozen=True)
class Remedy:
    """What is the matter with the schema, and the command that helps."""

    title: str
    reason: str
    command: str

    def __str__(self) -> str:
        return f"{self.reason} Type: {self.command}"


async def remedy(settings: Settings) -> Remedy | None:
    """What to type before the schema can serve this code; None if it can already.

    DatabaseUnavailable if that cannot be known.
    """
    try:
        async with begin(seconds=settings.WAIT_SECONDS) as connection:
            state = await migrations.schema_state(connection, settings.project)
    except UserError as error:
        # The migrations of this code do not fit together.
        return Remedy(NOT_KNOWN, f"{error}.", _typed(settings, "doctor"))
    if state.older:
        reason = "The code has migrations that this database has not had yet."
        return Remedy(PENDING, reason, _typed(settings, "migrate"))
    if state.unknown:
        reason = (
            f"The database is {state}. Check out the code that made it, or empty the "
            "development database."
        )
        return Remedy(NOT_KNOWN, reason, _typed(settings, "resetdb"))
    return None


async def remedy_for(error: BaseException, settings: Settings) -> Remedy | None:
    """What to type if `error` says that the schema lacks something; None otherwise."""
    if not _says_undefined(error):
        return None
    try:
        if pending := await remedy(settings):
            return pending
    except DatabaseUnavailable:
        return None
    reason = (
        "The database has no such table or column, and every migration was run. If the "
        "code's tables changed, they need another one."
    )
    return Remedy(FORGOTTEN, reason, _typed(settings, 'makemigration "what changed"'))


def _says_undefined(error: BaseException | None) -> bool:
    """Whether the error, or what led to it, is about something undefined."""
    while error is not None:
        driver = error.orig if isinstance(error, DBAPIError) else error
        if getattr(driver, "sqlstate", None) in UNDEFINED:
            return True
        error = error.__cause__ or error.__context__
    return False


def _typed(settings: Settings, command: str) -> str:
    """How the command is typed where the developer is."""
    if settings.ENV_FOR_DYNACONF == "docker":
        return f"docker compose run --rm web python manage.py {command}"
    return f"python3 manage.py {command}"
