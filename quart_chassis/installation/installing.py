"""Install pinned requirements into an environment: with uv if present, else with pip.

The files are complete, so nothing is resolved: an old pip would look for the newest
release of a pinned package that another one requires with an extra.

Standard library only: this runs before anything is installed.
"""

import ast
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from quart_chassis.errors import UserError, say
from quart_chassis.installation import dependencies

# The kept pip settings of the user: how to reach packages, and which kinds to take.
# Others (user, target, prefix, python, …) may install packages elsewhere.
KEPT = {
    *("index-url", "pypi-url", "extra-index-url", "no-index", "find-links"),
    *("trusted-host", "proxy", "cert", "client-cert", "keyring-provider"),
    *("timeout", "default-timeout", "retries", "cache-dir", "no-cache-dir"),
    *("no-binary", "only-binary", "prefer-binary", "use-feature", "use-deprecated"),
}
# The sections that apply to `pip install`, the weakest first.
SECTIONS = ("global", "install", ":env:")
# These override settings in files that would hide a part of the list.
LISTING = {"PIP_USER": "0", "PIP_GLOBAL": "0", "PIP_SITE": "0", "PIP_QUIET": "0"}
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
    options = ["--no-deps", "--require-hashes", "-r", str(requirements)]
    if uv:
        run([uv, "pip", "install", "--python", str(python), *options])
        return
    # Like uv: a module is compiled when it is imported, and most never are.
    options = ["--no-input", "--no-compile", *options]
    with subprocess.Popen(
        [*_pip(python), "install", *options],
        env=_environment(python),
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


def check(python: Path, requirements: Path, uv: str | None = None) -> None:
    """Raise UserError if a package is missing or cannot be imported."""
    checking = [*_pip(python), "check"]
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


def _output_of(command: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a program; its result, with stderr as part of stdout."""
    return subprocess.run(
        command,
        env=_without_settings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )


def _pip(python: Path) -> list[str]:
    """The environment's own pip, without PYTHONPATH, whose packages it would list."""
    return [str(python), "-I", "-m", "pip", "--disable-pip-version-check"]


def _environment(python: Path) -> dict[str, str]:
    """Variables for pip, with the kept settings of the user and no others."""
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in _configured(python, "list").splitlines():
        name, _, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if section in SECTIONS and option in KEPT:
            # If several files have it, a newer pip lists each value, and `get` returns
            # the one in force.
            said_before = option in found[section]
            counts = _configured(python, "get", name) if said_before else None
            found[section][option] = counts or ast.literal_eval(value)
    environment = _without_settings()
    for section in SECTIONS:
        for option, value in found[section].items():
            environment[f"PIP_{option.replace('-', '_').upper()}"] = value
    return environment


def _configured(python: Path, *words: str) -> str:
    """The output of `pip config` for the user's settings."""
    told = subprocess.run(
        [*_pip(python), "config", *words],
        env={**os.environ, **LISTING, "PIP_PYTHON": str(python)},
        stdout=subprocess.PIPE,
        text=True,
        errors="surrogateescape",
        check=False,
    )
    if told.returncode != 0:
        raise UserError("pip cannot read its settings, for the reason above; fix them")
    return told.stdout.strip()


def _without_settings() -> dict[str, str]:
    """This process's variables, without the user's settings for pip."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
    return kept | {"PIP_CONFIG_FILE": os.devnull}


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
