"""Bring the schema to head, or to REVISION; safe when many run at once."""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from quart_chassis.errors import UserError

if TYPE_CHECKING:
    from quart_chassis.settings import Settings


def configure(parser: argparse.ArgumentParser) -> None:
    """The revision to migrate to, and whether only to print."""
    parser.add_argument("revision", nargs="?", default="head")
    parser.add_argument(
        "--sql", action="store_true", help="print what would run, and run nothing"
    )
    parser.add_argument(
        "--yes", action="store_true", help="go back in production without asking"
    )


def run(arguments: argparse.Namespace) -> None:
    """Migrate the configured database, or print how."""
    from quart_chassis.commands import context
    from quart_chassis.database import migrations
    from quart_chassis.features import load_settings
    from quart_chassis.observe import logs

    settings = load_settings(arguments.project)
    logs.configure(settings)
    revision = arguments.revision
    with context.database(settings):
        if arguments.sql:
            print(asyncio.run(migrations.sql_to(settings, revision)), end="")
            return
        if settings.production and not arguments.yes:
            back = asyncio.run(migrations.is_way_back(settings, revision))
            if back:
                _ask(settings)
        asyncio.run(migrations.to_revision(settings, revision))


def _ask(settings: "Settings") -> None:
    """Raise UserError unless the user types the database's name."""
    name = settings.database_name
    if not sys.stdin.isatty():
        raise UserError(
            "going back may delete data, and nobody can be asked here; type the same "
            "command with --yes if it is meant"
        )
    print(f"Going back may delete data. Type {name} to do it: ", end="", flush=True)
    if sys.stdin.readline().strip() != name:
        raise UserError(f"that was not {name}; nothing was changed")
