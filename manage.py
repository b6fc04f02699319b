#!/usr/bin/env python3
"""The one door: `python3 manage.py COMMAND` makes `.venv` if need be and goes on in it.

It needs Python 3.11 and the standard library alone. An environment that has the
dependencies already (a container, `uv run`, `poetry run`) is used as it is.
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

from quart_chassis import commands
from quart_chassis.errors import UserError, say
from quart_chassis.installation import dependencies, venv


def main() -> int:
    """Run the command in an environment that has what it needs; its exit status."""
    words = sys.argv[1:]
    tools = commands.needs_tools(words)
    try:
        if _may_run_here(tools):
            return commands.main(words, root=dependencies.ROOT)
        venv.refuse_unreadable()
        if not venv.is_another_tools() and not venv.is_ready(tools):
            if not words or words[0].startswith("-"):
                # Help does not wait for an installation; it then lacks what features
                # bring.
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

    A `.venv` that another tool made cannot be mended here: UserError.
    """
    inside = Path(sys.prefix) == venv.VENV
    if inside and venv.is_ours():
        return venv.is_ready(tools)
    missing = dependencies.missing(tools)
    outdated = dependencies.outdated(tools)
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
    """This file again, under the Python of `.venv`; on POSIX it takes our place."""
    command = [str(venv.PYTHON), str(dependencies.ROOT / "manage.py"), *words]
    try:
        if sys.platform == "win32":
            # There, exec returns to the shell at once and leaves the command behind.
            return subprocess.run(command, check=False).returncode
        os.execv(venv.PYTHON, command)
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        raise UserError(
            f"cannot start {venv.PYTHON}: {error.strerror}; delete {venv.VENV}, and it "
            "will be made anew"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
