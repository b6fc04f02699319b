"""Our page on each Python that is on PATH, with packages of its own."""

import atexit
import shutil
import subprocess
import tempfile
from pathlib import Path

from boilerplate.benchmarks.field import PAGE, Contender
from quart_chassis.errors import UserError, say
from quart_chassis.testing.servers import ROOT

VERSIONS = ("3.11", "3.12", "3.13", "3.14")


def contenders() -> dict[str, tuple[str, Contender]]:
    """By version: the program, and our page as it runs it.

    Each has a clone of what is committed, which goes when this program ends.
    """
    found = {}
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for version in VERSIONS:
        python = shutil.which(f"python{version}")
        if python and _works(python):
            say(f"Installing our packages for Python {version}")
            clone = folder / version
            _run(["git", "clone", "-q", str(ROOT), str(clone)], folder)
            # Its first command installs what it needs.
            _run([python, "manage.py", "routes"], clone)
            name = f"python{version}"
            who = Contender(name, name, PAGE.words, PAGE.pools, at=clone)
            found[version] = (str(clone / ".venv" / "bin" / "python"), who)
    return found


def _works(python: str) -> bool:
    """Whether it is more than a name: pyenv has one for each version."""
    tried = subprocess.run([python, "-c", ""], capture_output=True, check=False)
    return tried.returncode == 0


def _run(command: list[str], folder: Path) -> None:
    ended = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise UserError(f"{' '.join(command)} failed: {ended.stderr.strip()}")
