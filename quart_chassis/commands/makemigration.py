"""Write a migration from the difference between the tables and the schema."""

import argparse
import asyncio


def configure(parser: argparse.ArgumentParser) -> None:
    """The migration's message, in a few words."""
    parser.add_argument("message")


def run(arguments: argparse.Namespace) -> None:
    """Write it, and print its path and what to think about."""
    from quart_chassis.commands import context, formatting
    from quart_chassis.database import migrations
    from quart_chassis.features import load_settings

    settings = load_settings(arguments.project)
    with context.database(settings):
        made = asyncio.run(migrations.make_migration(settings, arguments.message))
    if made is None:
        print("Nothing differs")
        return
    formatting.mend(made.path)
    print(f"Wrote {made.path}; read it before you run it")
    for warning in made.warnings:
        print(f"Mind that {warning}")
