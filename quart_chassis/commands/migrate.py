"""Bring the schema to head, or to REVISION; safe when many run at once."""

import argparse
import asyncio


def configure(parser: argparse.ArgumentParser) -> None:
    """The revision to migrate to."""
    parser.add_argument("revision", nargs="?", default="head")


def run(arguments: argparse.Namespace) -> None:
    """Migrate the configured database."""
    from quart_chassis.commands import context
    from quart_chassis.database import migrations
    from quart_chassis.features import load_settings
    from quart_chassis.observe import logs

    settings = load_settings(arguments.project)
    logs.configure(settings)
    with context.database(settings):
        asyncio.run(migrations.to_revision(settings, arguments.revision))
