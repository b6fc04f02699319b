"""Write all counters with their days to a file, as importcounters reads it."""

import argparse
import sys
from pathlib import Path

from my_app.stats_app import transfer
from quart_chassis.errors import UserError, say


def configure(parser: argparse.ArgumentParser) -> None:
    """Where to."""
    parser.add_argument(
        "file", nargs="?", default="-", help="its name; - is standard output"
    )


async def run(arguments: argparse.Namespace) -> None:
    """Write the lines; a file has its name when it is whole, and not before."""
    if arguments.file == "-":
        async for piece in transfer.export():
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    path = _checked(Path(arguments.file))
    part = path.with_name(f"{path.name}.part")
    exported = 0
    try:
        with part.open("wb") as file:
            async for piece in transfer.export():
                file.write(piece)
                exported += piece.count(b"\n")
        part.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        part.unlink(missing_ok=True)
    # All but the head and the end.
    say(f"{exported - 2:,} counters are in {path}")


def _checked(path: Path) -> Path:
    if path.is_dir():
        raise UserError(f"{path} is a directory; name a file in it")
    return path
