"""Open psql on the configured database."""

import argparse


def run(arguments: argparse.Namespace) -> int:
    """The exit status of psql."""
    from quart_chassis.commands import context
    from quart_chassis.database import psql
    from quart_chassis.features import load_settings

    settings = load_settings(arguments.project)
    with context.database(settings):
        return psql.run_psql(settings)
