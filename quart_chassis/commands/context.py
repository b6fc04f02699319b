"""What commands need: the project's settings, its database, its application."""

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from quart_chassis import commands, features
from quart_chassis.database import DatabaseUnavailable, migrations, unavailable
from quart_chassis.errors import UserError, say
from quart_chassis.features import load_settings
from quart_chassis.postgres import embedded
from quart_chassis.project import Project
from quart_chassis.settings import Settings

__all__ = ["database", "load_settings", "own_commands", "run_in_application"]


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


def own_commands(project: Project) -> list[ModuleType]:
    """The commands that features bring; UserError if a name is taken already."""
    parts = features.checked(project.application().FEATURES)
    return features.commands_of(parts, commands.names())


def run_in_application(arguments: argparse.Namespace) -> int:
    """Run a feature's command with the database and the application started.

    UserError if the database does not serve, or its schema is older than the code.
    """
    project: Project = arguments.project
    chosen = load_settings(project)

    async def run() -> int:
        """Nothing of this is a server, so signals stay what they are."""
        await migrations.check_schema(chosen)
        app = project.create_app()
        async with app.test_app(), app.app_context():
            status: int | None = await arguments.run(arguments)
            return status or 0

    with database(chosen):
        try:
            return asyncio.run(run())
        except DatabaseUnavailable as error:
            cause = error.__cause__ or error
            raise unavailable.problem(cause, chosen) or UserError(str(error)) from None
