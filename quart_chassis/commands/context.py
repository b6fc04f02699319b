"""What commands need: the project's settings, its database, its application."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import ModuleType

from quart_chassis import commands, features
from quart_chassis.application import Application
from quart_chassis.claims import CHASSIS, Claims
from quart_chassis.database import DatabaseUnavailable, migrations, unavailable
from quart_chassis.errors import UserError, say
from quart_chassis.postgres import embedded
from quart_chassis.project import Project
from quart_chassis.settings import Settings


def settings_to_develop(project: Project) -> Settings:
    """The project's settings; UserError in production, where nobody writes code."""
    chosen = features.load_settings(project)
    if chosen.production:
        raise UserError(
            "this changes the code and the database, so it is not for production; "
            "unset ENV_FOR_DYNACONF"
        )
    return chosen


@contextmanager
def database(chosen: Settings) -> Iterator[None]:
    """Have the database run during the block, where it is ours to run."""
    if not chosen.embedded:
        yield
        return
    folder = embedded.folder_of(chosen.project)
    if folder.parent != chosen.project.root:
        say(f"The database is in {folder}")
    with embedded.serving(folder, chosen.DATABASE_NAME, say):
        yield


def own_commands(parts: Iterable[ModuleType], root: Path) -> list[ModuleType]:
    """The commands of features; UserError if a name is taken already."""
    claims = Claims()
    for name in commands.names(root):
        claims.claim("command", name, CHASSIS)
    found = []
    for part in parts:
        for command in getattr(part, "commands", ()):
            claims.claim("command", commands.typed(command), features.name_of(part))
            found.append(command)
    return found


def run_in_application(arguments: argparse.Namespace) -> int:
    """Run a feature's command with the database and the application started.

    UserError if the database does not serve, or its schema is older than the code.
    """
    chosen = features.load_settings(arguments.project)

    async def run() -> int:
        """Nothing of this is a server, so signals stay what they are."""
        async with started(chosen):
            status: int | None = await arguments.run(arguments)
            return status or 0

    with database(chosen), told_if_unavailable(chosen):
        return asyncio.run(run())


@asynccontextmanager
async def started(chosen: Settings) -> AsyncIterator[Application]:
    """The application, started and current during the block.

    UserError if the database does not serve, or its schema is older than the code.
    """
    await migrations.check_schema(chosen)
    app: Application = chosen.project.create_app()
    async with app.test_app(), app.app_context():
        yield app


@contextmanager
def told_if_unavailable(chosen: Settings) -> Iterator[None]:
    """Make a UserError with a remedy of a DatabaseUnavailable in the block."""
    try:
        yield
    except DatabaseUnavailable as error:
        cause = error.__cause__ or error
        raise unavailable.problem(cause, chosen) or UserError(str(error)) from None
