"""The commands people type: `python3 manage.py COMMAND`, or the project's own script.

Each is a module. Its docstring's first line is what `--help` shows, `configure(parser)`
declares its arguments if it has any, and `run(arguments)` does the work and returns the
exit status. `arguments.project` is the project. They import what they need when they
run, so that `--help` and a mistyped command work before anything is installed.

A feature may bring such modules, too. If `run` is a coroutine function, it runs with
the database and the application started: `begin()` works in it.
"""

import argparse
import os
import signal
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from inspect import iscoroutinefunction
from pathlib import Path
from types import ModuleType

from quart_chassis.commands import (
    check,
    dbshell,
    lock,
    makemigration,
    migrate,
    resetdb,
    run,
    test,
)
from quart_chassis.errors import UserError, say
from quart_chassis.project import Project

COMMANDS = (run, test, check, migrate, makemigration, dbshell, resetdb, lock)


def main(words: list[str], program: str = "manage.py", root: Path | None = None) -> int:
    """Run the command in `words` for the project in `root`, or in this folder.

    The exit status is the command's; 1 after a UserError, which is printed in one line;
    2 for wrong usage.
    """
    # As SystemExit, so that started servers are stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        # A closed terminal ends the command; under nohup it does not.
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    try:
        return _run(words, program, root or Path.cwd())
    except UserError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def console_script() -> int:
    """The command under the project's name, where the project is installed."""
    return main(sys.argv[1:], Path(sys.argv[0]).stem)


def needs_tools(words: list[str]) -> bool:
    """Whether the command needs the developer's tools (dev.txt).

    Wrong usage of a chassis command ends the process. False for a feature's command,
    which cannot be imported before the dependencies are installed.
    """
    return names_ours(words) and bool(parse(words, "manage.py").tools)


def names_ours(words: list[str]) -> bool:
    """Whether the first of `words` is a command of the chassis."""
    return bool(words) and words[0] in names()


def names() -> list[str]:
    """Every command of the chassis, as it is typed."""
    return [typed(command) for command in COMMANDS]


def parse(
    words: list[str], program: str, own: Iterable[ModuleType] = ()
) -> argparse.Namespace:
    """The arguments: `run` is the command's, `tools` whether it needs dev.txt.

    `own` are the commands of features. Wrong usage ends the process with status 2.
    """
    parser = argparse.ArgumentParser(prog=program, allow_abbrev=False)
    added = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (*COMMANDS, *own):
        summary = (command.__doc__ or "").split("\n", 1)[0].rstrip(".")
        each = added.add_parser(
            typed(command), help=summary, description=summary, allow_abbrev=False
        )
        tools = getattr(command, "TOOLS", False)
        each.set_defaults(run=command.run, tools=tools, parser=each)
        if configure := getattr(command, "configure", None):
            configure(each)
    arguments, rest = parser.parse_known_args(words)
    if rest and arguments.run is not test.run:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    arguments.rest = rest
    return arguments


def _run(words: list[str], program: str, root: Path) -> int:
    arguments = parse(words, program, _own_commands(words, root))
    arguments.project = _enter(root)
    if iscoroutinefunction(arguments.run):
        from quart_chassis.commands import context

        return context.run_in_application(arguments)
    status: int | None = arguments.run(arguments)
    return status or 0


def _own_commands(words: list[str], root: Path) -> list[ModuleType]:
    """The commands of features, if `words` need them and dependencies are installed."""
    if names_ours(words) or not find_spec("quart"):
        return []
    from quart_chassis.commands import context
    from quart_chassis.features import features_of

    try:
        return context.own_commands(features_of(_enter(root)))
    except Exception as error:
        if words and not words[0].startswith("-"):
            raise
        # Help is there for whoever has to find out what is wrong.
        say(f"Commands of features are left out ({type(error).__name__}: {error})")
        return []


def _enter(root: Path) -> Project:
    """The project in `root`, which becomes the current folder and can be imported."""
    project = Project.at(root)
    os.chdir(root)
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    return project


def typed(command: ModuleType) -> str:
    """A command's name as it is typed: its module's, with dashes."""
    return command.__name__.rpartition(".")[2].replace("_", "-")
