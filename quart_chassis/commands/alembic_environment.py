"""What Alembic runs its commands in: a project's `migrations/env.py` calls `run`.

`manage.py` hands over a connection. Alembic's own program has none, so it gets the
project's database, which is started if need be, and the lock that `migrate` takes.
"""

import asyncio
from pathlib import Path
from typing import Any

from alembic.util import CommandError
from sqlalchemy import Connection

from quart_chassis.commands import context as commands_context
from quart_chassis.database import migrations, revisions
from quart_chassis.errors import UserError
from quart_chassis.features import load_settings
from quart_chassis.project import Project

MAKES_MIGRATIONS = (
    "alembic alone would drop what others made in this database; use python3 manage.py "
    "makemigration"
)


def run(context: Any) -> None:
    """Do what Alembic was asked for; CommandError says in a line what is wrong."""
    config = context.config
    if "project" in config.attributes:
        revisions.run(context)
        return
    try:
        project = Project.at(Path(config.toml_file_name).resolve().parent)
        config.attributes["project"] = project
        if context.is_offline_mode():
            revisions.run(context)
        else:
            _run_on_database(context, project)
    except UserError as error:
        raise CommandError(str(error)) from None


def _run_on_database(context: Any, project: Project) -> None:
    asked = getattr(context.config.cmd_opts, "cmd", [None])[0]
    if getattr(asked, "__name__", "") == "revision":
        raise UserError(MAKES_MIGRATIONS)
    settings = load_settings(project)

    def work(connection: Connection) -> None:
        context.config.attributes["connection"] = connection
        revisions.run(context)

    with commands_context.database(settings):
        asyncio.run(migrations.in_turn(settings, work))
