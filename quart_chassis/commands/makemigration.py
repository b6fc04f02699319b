"""Write a migration from the difference between the tables and the schema."""

import argparse
import asyncio


def configure(parser: argparse.ArgumentParser) -> None:
    """The migration's message, in a few words."""
    parser.add_argument("message")


def run(arguments: argparse.Namespace) -> None:
    """Write it, and print its path."""
    from quart_chassis.commands import context, formatting
    from quart_chassis.database import migrations
    from quart_chassis.features import load_settings

    settings = load_settings(arguments.project)
    with context.database(settings):
        path = asyncio.run(migrations.make_migration(settings, arguments.message))
    if path:
        formatting.mend(path)
    print(f"Wrote {path}; read it before you run it" if path else "Nothing differs")
