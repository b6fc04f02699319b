#!/usr/bin/env python3
"""`python3 manage.py COMMAND` makes `.venv` if needed and runs the command in it.

It needs only Python 3.11 and the standard library. An environment that already has the
dependencies (a container, `uv run`, `poetry run`) is used as it is.
"""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "manage.py: this is Python %d.%d, and 3.11 or newer is needed; install it and "
        "type python3.11 manage.py" % sys.version_info[:2]
    )

import os
import subprocess
from pathlib import Path

from quart_chassis import commands, streams
from quart_chassis.errors import UserError, say
from quart_chassis.installation import dependencies, venv


def main() -> int:
    """Run the command where its dependencies are installed; return its exit status."""
    streams.open_what_is_closed()
    words = sys.argv[1:]
    root = dependencies.ROOT
    tools = commands.needs_tools(words, root)
    try:
        if commands.stands_alone(words, root) or _may_run_here(tools):
            return commands.main(words, root=root)
        venv.refuse_unreadable()
        if not venv.is_another_tools() and not venv.is_ready(tools):
            if not words or words[0].startswith("-"):
                # Help does not wait for an installation; it then lacks the features'
                # commands.
                commands.parse(words, "manage.py")
            venv.make_ready(tools)
        return _continue_in_venv(words)
    except UserError as error:
        print(f"manage.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmanage.py: interrupted; the same command goes on", file=sys.stderr)
        return 130


def _may_run_here(tools: bool) -> bool:
    """Whether this Python has what the command needs.

    UserError if this is a `.venv` that another tool made, and it lacks something.
    """
    inside = Path(sys.prefix) == venv.VENV
    if inside and venv.is_ours():
        return venv.is_ready(tools)
    try:
        missing = dependencies.missing(tools)
        outdated = dependencies.outdated(tools)
    except (OSError, ValueError, KeyError) as error:
        path = dependencies.ROOT / "pyproject.toml"
        raise UserError(f"{path} cannot be read: {error}; correct it") from None
    if not missing and not outdated:
        return True
    problem = f"{missing[0]} is missing" if missing else outdated[0]
    if inside:
        raise UserError(
            f".venv was made by another tool, and {problem}; have that tool bring it "
            "up to date, or delete .venv"
        )
    if not missing:
        say(f"In {sys.prefix} {problem}; .venv is used instead")
    return False


def _continue_in_venv(words: list[str]) -> int:
    """Run this file with the Python of `.venv`; on POSIX it replaces this process."""
    command = [str(venv.PYTHON), str(dependencies.ROOT / "manage.py"), *words]
    try:
        if sys.platform == "win32":
            # On Windows, exec returns to the shell while the command still runs.
            return subprocess.run(command, check=False).returncode
        os.execv(venv.PYTHON, command)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        raise UserError(
            f"cannot start {venv.PYTHON}: {error.strerror}; delete {venv.VENV} to have "
            "it made again"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
