"""Empty the development database, after asking; never another one."""

import argparse
import asyncio
import sys

from quart_chassis.errors import UserError


def run(arguments: argparse.Namespace) -> None:
    """Ask for the database's name, empty it, and migrate it."""
    from quart_chassis.commands import context
    from quart_chassis.database import migrations, psql
    from quart_chassis.features import load_settings

    settings = load_settings(arguments.project)
    psql.refuse_unless_development(settings)
    name = settings.database_name
    print(f"Type {name} to delete everything in that database: ", end="", flush=True)
    if sys.stdin.readline().strip() != name:
        raise UserError(f"that was not {name}; nothing was deleted")
    with context.database(settings):
        asyncio.run(psql.empty(settings))
        asyncio.run(migrations.to_revision(settings))
