"""Check everything that CI checks besides the tests."""

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from sysconfig import get_path

from quart_chassis.errors import UserError
from quart_chassis.project import Project

TOOLS = True
SAID = "what the line above says"
NAMED = "correct the lines named above"
FORMAT = "python3 manage.py format"
PYTHON = sys.executable
PROGRAMS = {
    "format": ([PYTHON, "-m", "ruff", "format", "--check", "."], FORMAT),
    "lint": ([PYTHON, "-m", "ruff", "check", "."], f"{FORMAT}, then what it names"),
    "types": ([PYTHON, "-m", "mypy"], NAMED),
    "imports": ([str(Path(get_path("scripts")) / "lint-imports"), "--no-cache"], NAMED),
}


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each check, and the remedy if it fails; 1 if one fails."""
    failed = False
    for name, (command, remedy) in PROGRAMS.items():
        ran = subprocess.run(command, check=False, capture_output=True, text=True)
        problems = [ran.stdout + ran.stderr] if ran.returncode else []
        failed |= _tell(name, problems, remedy)
    return int(failed | _check_files(arguments.project))


def _check_files(project: Project) -> bool:
    """Whether requirements/, settings.toml or the application itself fails."""
    from quart_chassis import features
    from quart_chassis.commands import checks
    from quart_chassis.database import revisions
    from quart_chassis.settings import loading

    problems = list(checks.requirements_problems(project.root))
    failed = _tell("requirements", problems, "python3 manage.py lock")
    owners = features.settings_of(features.features_of(project))
    problems = list(checks.settings_problems(project.root, loading.declared(owners)))
    failed |= _tell("settings", problems, "a line and a comment in settings.toml")
    made = _problems(lambda: project.create_app(ENV_FOR_DYNACONF="testing"))
    failed |= _tell("application", made, SAID)
    return failed | _tell(
        "migrations", _problems(lambda: revisions.head(project)), SAID
    )


def _problems(attempt: Callable[[], object]) -> list[str]:
    """What the user is told if the attempt fails."""
    try:
        attempt()
    except UserError as error:
        return [str(error)]
    return []


def _tell(name: str, problems: list[str], remedy: str) -> bool:
    print(f"{name}: {'FAILED' if problems else 'ok'}", flush=True)
    for problem in problems:
        print(f"  {problem}")
    if problems:
        print(f"  To fix it: {remedy}")
    return bool(problems)
