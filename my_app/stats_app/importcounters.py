"""Write the counters of an export over those of the same names."""

import argparse
import sys
from pathlib import Path
from typing import BinaryIO

from my_app.stats_app import transfer
from quart_chassis.errors import UserError, say


def configure(parser: argparse.ArgumentParser) -> None:
    """Where from."""
    parser.add_argument("file", help="its name; - is standard input")


async def run(arguments: argparse.Namespace) -> None:
    """Read the file line by line, and write in batches."""
    with _opened(arguments.file) as file:
        try:
            imported = await transfer.import_all(file, _tell)
        except transfer.BadLine as error:
            raise UserError(str(error)) from None
    say(f"{imported.counters:,} counters are imported")


def _opened(name: str) -> BinaryIO:
    if name == "-":
        return sys.stdin.buffer
    try:
        return Path(name).open("rb")
    except OSError as error:
        raise UserError(f"{name} cannot be read: {error.strerror}") from None


def _tell(imported: transfer.Imported) -> None:
    say(f"{imported.counters:,} counters, {imported.days:,} days")
