"""Join two heads of the migrations, which two branches of the code made."""

import argparse


def run(arguments: argparse.Namespace) -> None:
    """Write a migration that follows on both, and print its path."""
    from quart_chassis.commands import formatting
    from quart_chassis.database import writing

    path = writing.merge(arguments.project)
    if path:
        formatting.mend(path)
    print(f"Wrote {path}" if path else "There is one head; nothing to join")
