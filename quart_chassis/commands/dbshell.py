"""Open psql, or another client program, on the configured database."""

import argparse

PROGRAMS = ("psql", "pg_dump", "pg_restore")


def configure(parser: argparse.ArgumentParser) -> None:
    """Which program, and its arguments."""
    parser.usage = f"{parser.prog} [-h] [--program PROGRAM] [-- ARGS ...]"
    parser.add_argument(
        "--program",
        choices=PROGRAMS,
        default="psql",
        help="instead of psql: pg_dump or pg_restore",
    )
    parser.add_argument("words", nargs="*", metavar="ARGS", help="the program's own")


def run(arguments: argparse.Namespace) -> int:
    """The exit status of the program."""
    from quart_chassis.commands import context
    from quart_chassis.database import psql
    from quart_chassis.features import load_settings

    settings = load_settings(arguments.project)
    with context.database(settings):
        return psql.run_client(settings, arguments.program, arguments.words)
