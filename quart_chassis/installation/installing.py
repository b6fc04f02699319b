"""Install pinned requirements into an environment: with uv if present, else with pip.

The files are complete, so nothing is resolved: an old pip would look for the newest
release of a pinned package that another one requires with an extra.

Standard library only: this runs before anything is installed.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from quart_chassis.errors import UserError, say
from quart_chassis.installation import dependencies, pip_settings

# "Collecting quart==0.22.0 (from …", "Processing …/quart-0.22.0-py3-none-any.whl".
NAMED = re.compile(
    r"(?:Collecting|Requirement already satisfied:) ([\w.-]+)"
    r"|Processing (?:.*[/\\])?([\w.]+)-[^/\\]*\.(?:whl|zip|tar\.gz)"
)
ELSEWHERE = re.compile(r"Ignoring \S+: markers ")


def install(python: Path, requirements: Path, uv: str | None = None) -> None:
    """Install what the file pins into the environment of `python`.

    UserError if uv or pip fails; it has then printed the reason.
    """
    command = _installing(python, requirements, uv)
    if uv:
        run(command)
        return
    with subprocess.Popen(
        command,
        env=pip_settings.environment(python),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as pip:
        assert pip.stdout is not None
        pins = list(dependencies.PIN.finditer(requirements.read_text("utf-8")))
        _follow(pip.stdout, len(pins))
    if pip.returncode != 0:
        raise UserError(
            f"pip could not install {requirements.name}, for the reason above; fix it "
            "(often the network, or pip's settings) and type the command again"
        )


def tried(python: Path, requirements: Path, uv: str | None = None) -> str:
    """What uv or pip says of the requirements; nothing is installed."""
    command = [*_installing(python, requirements, uv), "--dry-run"]
    return _output_of(command, None if uv else pip_settings.environment(python)).stdout


def _installing(python: Path, requirements: Path, uv: str | None) -> list[str]:
    options = ["--no-deps", "--require-hashes", "-r", str(requirements)]
    if uv:
        return [uv, "pip", "install", "--python", str(python), *options]
    # Like uv: a module is compiled when it is imported, and most never are.
    return [
        *pip_settings.pip(python),
        "install",
        "--no-input",
        "--no-compile",
        *options,
    ]


def check(python: Path, requirements: Path, uv: str | None = None) -> None:
    """Raise UserError if a package is missing or cannot be imported."""
    checking = [*pip_settings.pip(python), "check"]
    if uv:
        checking = [uv, "pip", "check", "--python", str(python)]
    checked = _output_of(checking)
    if checked.returncode != 0:
        say(checked.stdout.strip())
        raise UserError(
            f"requirements/{requirements.name} is not complete, for the reason above; "
            "delete .venv, or pin it again (manage.py lock), and type the "
            "command again"
        )
    words = ["tools"] if requirements.stem == "dev" else []
    imported = _output_of([str(python), "-I", str(dependencies.__file__), *words])
    if imported.returncode != 0:
        reason = imported.stdout.strip().rpartition("\n")[2]
        raise UserError(
            f"the packages in .venv cannot be used: {reason}; see to the settings of "
            f"{'uv' if uv else 'pip'} and type the command again"
        )


def run(command: list[str]) -> None:
    """Run a program that prints its own errors; UserError if it fails.

    An interruption ends all that it started: venv has ensurepip run, which would go on
    to write into the folder that the next command deletes.
    """
    group = None if sys.platform == "win32" else 0
    with subprocess.Popen(command, process_group=group) as process:
        try:
            status = process.wait()
        except BaseException:
            if sys.platform == "win32":
                process.kill()
            else:
                os.killpg(process.pid, signal.SIGKILL)
            raise
    if status != 0:
        raise UserError(
            f"{Path(command[0]).name} failed, for the reason above; fix it and type "
            "the command again"
        )


def _output_of(
    command: list[str], environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program; its result, with stderr as part of stdout."""
    return subprocess.run(
        command,
        env=environment or pip_settings.none(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def _follow(lines: Iterable[str], pins: int) -> None:
    """Show pip's progress; pip prints too much, or with --quiet nothing for minutes."""
    seen: set[str] = set()
    for line in lines:
        if match := NAMED.match(line):
            name = (match[1] or match[2]).replace("_", "-").lower()
            if name not in seen:
                seen.add(name)
                _show_progress(f"  {len(seen)} of {pins}: {name}")
        elif ELSEWHERE.match(line):
            pins -= 1
        elif line.startswith("Installing "):
            _show_progress("  unpacking")
    _show_progress("")


def _show_progress(line: str) -> None:
    """Replace the line in a terminal; elsewhere print a line of its own."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
    elif line:
        say(line)
