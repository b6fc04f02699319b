"""Take a feature out: its folders, its settings and its tables."""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING

from quart_chassis.errors import UserError

if TYPE_CHECKING:
    from quart_chassis.commands.scaffold.removing import Removal
    from quart_chassis.project import Project
    from quart_chassis.settings import Settings

TOOLS = True


def configure(parser: argparse.ArgumentParser) -> None:
    """The feature's name, and whether to ask."""
    parser.add_argument("name", help="such as orders")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace) -> None:
    """Take it out, and drop its tables; or refuse, and change nothing."""
    from quart_chassis.commands import context
    from quart_chassis.commands.scaffold import removing
    from quart_chassis.database import migrations

    project: Project = arguments.project
    settings = context.settings_to_develop(project)
    planned = removing.plan(project, arguments.name)
    with context.database(settings):
        asyncio.run(migrations.to_revision(settings))
        if not arguments.yes:
            _ask(planned)
        migration = _take_out(settings, planned)
    _tell(project, planned, migration)


def _ask(planned: "Removal") -> None:
    lost = [*(f"{each}/" for each in planned.folders)]
    lost += [f"the table {each} with its rows" for each in planned.tables]
    print(f"This deletes {', '.join(lost)}")
    print(f"Type {planned.name} to go on: ", end="", flush=True)
    if sys.stdin.readline().strip() != planned.name:
        raise UserError(f"that was not {planned.name}; nothing was deleted")


def _take_out(settings: "Settings", planned: "Removal") -> str:
    """Delete everything; the path of the migration, "" if there is no table to drop."""
    from quart_chassis.commands.scaffold import migrating
    from quart_chassis.commands.scaffold.changes import changing

    project = settings.project
    with changing(project.root) as changes:
        for folder in planned.folders:
            changes.take_out(project.root / folder)
        for name, text in planned.edited.items():
            changes.write(project.root / name, text.encode())
        if not planned.tables:
            return ""
        return migrating.migrate(settings, changes, f"drop {planned.name}")


def _tell(project: "Project", planned: "Removal", migration: str) -> None:
    from quart_chassis.commands.scaffold import removing

    print(f"Deleted {', '.join(f'{each}/' for each in planned.folders)}")
    print(f"Took {planned.name} out of {', '.join(planned.edited)}")
    if migration:
        print(f"Wrote {migration}, which drops its tables, and migrated the database")
    if mentions := removing.mentions(project, planned.name):
        print(f"These files still have the word {planned.name}: {', '.join(mentions)}")
