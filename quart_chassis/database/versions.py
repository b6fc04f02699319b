"""Which versions of PostgreSQL serve."""

from quart_chassis.database import engines, unavailable
from quart_chassis.errors import UserError
from quart_chassis.postgres.programs import SERVED_VERSIONS
from quart_chassis.settings import Settings


async def refuse_older(settings: Settings) -> None:
    """Raise UserError unless the database answers and its server is new enough."""
    try:
        connection = await engines.connect_once(settings)
    except Exception as error:
        if problem := unavailable.problem(error, settings):
            raise problem from None
        raise
    major = connection.get_server_version().major
    connection.terminate()
    if major < SERVED_VERSIONS[0]:
        raise UserError(
            f"the database at {settings.database_host} is PostgreSQL {major}, and "
            f"{SERVED_VERSIONS[0]} or newer is needed; bring that server up to "
            "date, or name another one in DATABASE_URL"
        )
