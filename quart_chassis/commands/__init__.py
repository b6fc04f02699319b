"""The commands people type: `python3 manage.py COMMAND`, or the project's own script.

Each is a module. Its docstring's first line is what `--help` shows, `configure(parser)`
declares its arguments if it has any, and `run(arguments)` does the work and returns the
exit status. `arguments.project` is the project. They import what they need when they
run, so that `--help` and a mistyped command work before anything is installed.

A command with `ALONE = True` needs no dependencies, one with `TOOLS = True` also those
of development. pyproject.toml may name further modules, and a feature may bring some.
If `run` is a coroutine function, it runs with the database and the application started:
`begin()` works in it.
"""

import argparse
import os
import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from inspect import iscoroutinefunction
from pathlib import Path
from types import ModuleType

from quart_chassis import streams
from quart_chassis.commands import (
    check,
    dbshell,
    doctor,
    dropapp,
    lock,
    makemigration,
    mergemigrations,
    migrate,
    resetdb,
    routes,
    run,
    seed,
    shell,
    signals,
    startapp,
    test,
    update,
)
from quart_chassis.commands import format as format_
from quart_chassis.errors import UserError, say
from quart_chassis.project import Project

COMMANDS = (
    *(run, test, check, format_, routes, shell),
    *(migrate, makemigration, mergemigrations, dbshell, resetdb, seed),
    *(startapp, dropapp),
    *(doctor, update, lock),
)


def main(words: list[str], program: str = "manage.py", root: Path | None = None) -> int:
    """Run the command in `words` for the project in `root`, or in this folder.

    The exit status is the command's; 1 after a UserError, which is printed in one line;
    2 for wrong usage.
    """
    signals.end_in_order()
    streams.open_what_is_closed()
    try:
        status = _run(words, program, root or Path.cwd())
        sys.stdout.flush()
        return status
    except UserError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        return streams.status_without_output(error, program)
    finally:
        streams.forget_unwritten()


def console_script() -> int:
    """The command under the project's name, where the project is installed."""
    return main(sys.argv[1:], Path(sys.argv[0]).stem)


def needs_tools(words: list[str], root: Path) -> bool:
    """Whether the command needs the developer's tools (dev.txt).

    Wrong usage ends the process, unless the command may be a feature's: those cannot be
    imported before the dependencies are installed.
    """
    return _asks_for("TOOLS", words, root)


def stands_alone(words: list[str], root: Path) -> bool:
    """Whether the command needs nothing that must be installed; as `needs_tools`."""
    return _asks_for("ALONE", words, root)


def names(root: Path) -> list[str]:
    """Every command that is not a feature's, as it is typed."""
    return [typed(command) for command in _known(root)]


def parse(
    words: list[str], program: str, own: Iterable[ModuleType] = ()
) -> argparse.Namespace:
    """The arguments: `run` is the command's.

    `own` are the commands of features. Wrong usage ends the process with status 2.
    """
    parser = argparse.ArgumentParser(prog=program, allow_abbrev=False)
    added = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (*COMMANDS, *own):
        summary = (command.__doc__ or "").split("\n", 1)[0].rstrip(".")
        each = added.add_parser(
            typed(command), help=summary, description=summary, allow_abbrev=False
        )
        each.set_defaults(run=command.run, parser=each)
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
    """The project's commands, and its features', if `words` may name one of those."""
    own = _project_commands(root)
    if (words and words[0] in names(root)) or not find_spec("quart"):
        return own
    from quart_chassis.commands import context
    from quart_chassis.features import features_of

    try:
        return [*own, *context.own_commands(features_of(_enter(root)), root)]
    except Exception as error:
        if words and not words[0].startswith("-"):
            raise
        # Help is there for whoever has to find out what is wrong.
        say(f"Commands of features are left out ({type(error).__name__}: {error})")
        return own


def _asks_for(mark: str, words: list[str], root: Path) -> bool:
    """Whether `words` are a command of the chassis or the project with this mark."""
    named = [each for each in _known(root) if words and typed(each) == words[0]]
    if named:
        parse(words, "manage.py", _project_commands(root))
    return any(getattr(each, mark, False) for each in named)


def _known(root: Path) -> list[ModuleType]:
    return [*COMMANDS, *_project_commands(root)]


def _project_commands(root: Path) -> list[ModuleType]:
    """The modules that pyproject.toml names, as far as their packages are here.

    Those that only a developer needs are not in an image.
    """
    try:
        project = Project.at(root)
    except UserError:
        # It is told when the command runs.
        return []
    return [
        import_module(name)
        for name in project.commands
        if find_spec(name.partition(".")[0])
    ]


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
