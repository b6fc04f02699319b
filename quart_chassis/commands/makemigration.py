"""Write a migration from the difference between the tables and the schema."""

import argparse
import asyncio
import subprocess
import sys
from importlib.util import find_spec


def configure(parser: argparse.ArgumentParser) -> None:
    """The migration's message, in a few words."""
    parser.add_argument("message")


def run(arguments: argparse.Namespace) -> None:
    """Write it, and print its path."""
    from quart_chassis.commands import context
    from quart_chassis.database import migrations
    from quart_chassis.features import load_settings

    settings = load_settings(arguments.project)
    with context.database(settings):
        path = asyncio.run(migrations.make_migration(settings, arguments.message))
    if path and find_spec("ruff"):
        # As `check` wants it, where the tools are installed.
        ruff = [sys.executable, "-m", "ruff"]
        subprocess.run([*ruff, "check", "--fix", "--quiet", path], check=False)
        subprocess.run([*ruff, "format", "--quiet", path], check=False)
    print(f"Wrote {path}; read it before you run it" if path else "Nothing differs")
