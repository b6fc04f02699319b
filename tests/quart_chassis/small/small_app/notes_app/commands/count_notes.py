"""Tell how many notes there are."""

import argparse

from quart_chassis.database import begin
from small_app.notes_app import queries


def configure(parser: argparse.ArgumentParser) -> None:
    """A word to say before the number."""
    parser.add_argument("--word", default="notes")


async def run(arguments: argparse.Namespace) -> None:
    """Print the number."""
    async with begin() as connection:
        print(f"{arguments.word}: {await queries.count(connection)}")
