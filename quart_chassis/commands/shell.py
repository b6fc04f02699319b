"""Open Python with the application and its database at hand; `await` works."""

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quart_chassis.application import Application
    from quart_chassis.commands.console import Console

BANNER = """Python {version}: app, begin() and tables are at hand, and await works.
async with begin() as connection: await connection.execute(tables["…"].select())
Ctrl-D ends it."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Code to run instead of asking for it."""
    parser.add_argument("-c", "--command", metavar="CODE", help="run this, and end")


def run(arguments: argparse.Namespace) -> int:
    """Run code that is typed, given or piped; 1 after an error, unless it was typed."""
    import sys

    from quart_chassis.commands import context
    from quart_chassis.commands.console import Console
    from quart_chassis.features import load_settings

    chosen = load_settings(arguments.project)
    with (
        context.database(chosen),
        context.told_if_unavailable(chosen),
        Console(context.started(chosen), _at_hand) as console,
    ):
        if arguments.command is not None:
            return console.run_source(arguments.command, "<string>")
        if not sys.stdin.isatty():
            return console.run_source(sys.stdin.read(), "<stdin>")
        _open(console)
        return 0


def _at_hand(app: "Application") -> dict[str, object]:
    """The names that code in the shell has."""
    from quart_chassis.database import begin

    return {"app": app, "begin": begin, "tables": app.project.metadata().tables}


def _open(console: "Console") -> None:
    import platform
    from importlib.util import find_spec

    if find_spec("IPython"):
        console.open_ipython()
    else:
        console.interact(BANNER.format(version=platform.python_version()), exitmsg="")
