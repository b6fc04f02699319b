"""Write a feature: its table, pages, form, migration and tests."""

import argparse
import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart_chassis.commands.scaffold.feature import Feature
    from quart_chassis.project import Project
    from quart_chassis.settings import Settings

TOOLS = True


def configure(parser: argparse.ArgumentParser) -> None:
    """The feature's name and its fields."""
    parser.epilog = (
        "Types are text, int, numeric, date, datetime, bool, json, ref:TABLE and "
        "enum:ONE,TWO. A ? behind the type says that the field may be empty, a ! that "
        "it is unique; some shells need quotes then. Without fields there is "
        "title:text."
    )
    parser.add_argument("name", help="such as orders")
    parser.add_argument(
        "fields", nargs="*", metavar="FIELD:TYPE", help="such as title:text due:date?"
    )
    parser.add_argument("--api", action="store_true", help="also JSON, under /api/")


def run(arguments: argparse.Namespace) -> None:
    """Write the feature, and migrate the database; or refuse, and change nothing."""
    from quart_chassis.commands import context
    from quart_chassis.commands.scaffold import feature, fields, registering
    from quart_chassis.database import migrations

    project: Project = arguments.project
    typed = fields.parse(arguments.fields)
    settings = context.settings_to_develop(project)
    app = project.create_app()
    planned = feature.plan(project, app, arguments.name, typed, arguments.api)
    application = project.root / project.package / "application.py"
    source = application.read_bytes().decode()
    registered = registering.with_feature(source, project.package, planned.name)
    with context.database(settings):
        asyncio.run(migrations.to_revision(settings))
        migration = _write(settings, planned, {application: registered})
    _tell(settings, planned, migration)


def _write(settings: "Settings", planned: "Feature", edited: dict[Path, str]) -> str:
    """Write everything; the path of the migration, which was run."""
    from quart_chassis.commands import formatting
    from quart_chassis.commands.scaffold import migrating, rendering
    from quart_chassis.commands.scaffold.changes import changing

    project = settings.project
    with changing(project.root) as changes:
        rendered = rendering.files(planned)
        for name, text in rendered.items():
            changes.write(project.root / name, text.encode())
        # The order of imports is ruff's.
        formatting.mend(
            *(project.root / each for each in rendered if each.endswith(".py"))
        )
        for path, text in edited.items():
            changes.write(path, text.encode())
        return migrating.migrate(settings, changes, f"create {planned.name}")


def _tell(settings: "Settings", planned: "Feature", migration: str) -> None:
    folder = f"{planned.package}/{planned.name}"
    print(f"Wrote {folder}/ and tests/{planned.name}/")
    print(f"Added {planned.name} to {planned.package}/application.py")
    print(f"Wrote {migration}, and migrated the database")
    print("Everyone may read its pages, and the owner alone may change what is there")
    print(f"Read {folder}/tables.py, {folder}/queries.py and {folder}/views.py")
    address = f"http://{settings.HOST}:{settings.PORT}/{planned.address}"
    print(f"Type python3 manage.py run, and open {address}")
