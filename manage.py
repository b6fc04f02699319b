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

import hashlib
import json
import os
import re
import shutil
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from my_app import UserError, cli
from my_app.locks import locked

PIP_BEGINS = re.compile(r"(?:Collecting|Processing) (?:\S*/)?([^\s=]+?)[-=]")
ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STATE = VENV / "made-by-manage.json"
PYTHON = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def main() -> int:
    """Run the command in an environment that has what it needs; its exit status."""
    words = sys.argv[1:]
    arguments = cli.parse(words)
    try:
        inside = Path(sys.prefix) == VENV
        # An environment is ours, or another tool's and then used as it is.
        ours = inside and STATE.exists()
        if not ours and _has_dependencies(arguments.tools):
            return cli.main(words)
        if _is_ready(arguments.tools):
            if inside:
                return cli.main(words)
        elif inside or not _is_another_tools():
            _make_ready(arguments.tools)
    except UserError as error:
        print(f"manage.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmanage.py: interrupted; the same command goes on", file=sys.stderr)
        return 130
    return _continue_in_venv(words)


def _has_dependencies(tools: bool) -> bool:
    """Whether this Python has the packages pyproject.toml asks for, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = project["project"]["dependencies"]
    if tools:
        wanted = wanted + project["dependency-groups"]["dev"]
    for requirement in wanted:
        # One with a marker is not for every platform, and an include is no package.
        if isinstance(requirement, dict) or ";" in requirement:
            continue
        try:
            distribution(requirement.split()[0].split("[")[0])
        except PackageNotFoundError:
            return False
    return True


def _requirements(tools: bool) -> Path:
    return ROOT / "requirements" / ("dev.txt" if tools else "run.txt")


def _fingerprint(tools: bool) -> str:
    """Changes with the requirements and with Python's minor version."""
    content = _requirements(tools).read_bytes() + b"%d.%d" % sys.version_info[:2]
    return hashlib.sha256(content).hexdigest()


def _state() -> dict[str, str] | None:
    """What `.venv` was made for; None if it is not there or not ours."""
    try:
        state: dict[str, str] = json.loads(STATE.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return state


def _is_ready(tools: bool) -> bool:
    state = _state() or {}
    wanted = "dev" if tools else "run"
    return PYTHON.exists() and state.get(wanted) == _fingerprint(tools)


def _make_ready(tools: bool) -> None:
    """Make `.venv`, or add the tools to it; one process at a time does so."""

    def waiting() -> None:
        _say("Waiting for another process that makes .venv")

    try:
        with locked(ROOT / ".venv.lock", waiting):
            if not _is_ready(tools):
                _install(tools)
    except OSError as error:
        raise UserError(
            f"cannot make {VENV}: {error}; see to the folder's permissions and its disk"
        ) from None


def _install(tools: bool) -> None:
    if _is_another_tools():
        raise UserError(
            ".venv was made by another tool and lacks what this command needs; have "
            "that tool install it, or delete .venv"
        )
    state = _state()
    uv = shutil.which("uv")
    if not uv and not (find_spec("venv") and find_spec("ensurepip")):
        raise UserError(
            "this Python has no venv or no pip; install them (Debian and Ubuntu: "
            "apt install python3-venv), or install uv"
        )
    # What run.txt pins, dev.txt pins too, so the tools can be added to what is there.
    keep = (state or {}).get("run") == _fingerprint(False) and PYTHON.exists()
    if not keep:
        _say(f"Making .venv for Python {sys.version_info[0]}.{sys.version_info[1]}")
        _make_venv(uv)
    path = _requirements(tools)
    _say(f"Installing requirements/{path.name} into .venv")
    _install_requirements(uv, path)
    done = {"run": _fingerprint(False)} | ({"dev": _fingerprint(True)} if tools else {})
    STATE.write_text(json.dumps(done), "utf-8")


def _is_another_tools() -> bool:
    """Whether `.venv` is a whole environment that we did not begin to make."""
    whole = (VENV / "pyvenv.cfg").exists() and PYTHON.exists()
    return whole and not STATE.exists()


def _make_venv(uv: str | None) -> None:
    if VENV.exists():
        # First what makes it an environment: the rest may be left over.
        (VENV / "pyvenv.cfg").unlink(missing_ok=True)
        shutil.rmtree(VENV)
    VENV.mkdir()
    # Empty until all is there, so that an interruption is seen.
    STATE.write_text("{}", "utf-8")
    base = getattr(sys, "_base_executable", sys.executable)
    if uv:
        _run([uv, "venv", "--quiet", "--allow-existing", "--python", base, str(VENV)])
    else:
        _run([base, "-m", "venv", str(VENV)])


def _install_requirements(uv: str | None, path: Path) -> None:
    if uv:
        into = ["--python", str(PYTHON)]
        _run([uv, "pip", "install", *into, "--require-hashes", "-r", str(path)])
        return
    # pip tells too much, and with --quiet nothing for minutes.
    total = sum(1 for line in path.read_text("utf-8").splitlines() if "==" in line)
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
    pip = subprocess.Popen(
        [*command, "--no-input", "--require-hashes", "-r", str(path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert pip.stdout is not None
    done = 0
    for line in pip.stdout:
        # "Collecting quart==0.22.0 (from …" or "Processing …/quart-0.22.0-…".
        if match := PIP_BEGINS.match(line):
            done += 1
            _show_progress(f"  {min(done, total)} of {total}: {match[1]}")
        elif line.startswith("Installing "):
            _show_progress("  unpacking")
    _show_progress("")
    if pip.wait() != 0:
        raise UserError(
            f"pip could not install {path.name}, for the reason above; see to it "
            "(often the network, or pip's settings) and type the command again"
        )


def _run(command: list[str]) -> None:
    if subprocess.run(command, check=False).returncode != 0:
        raise UserError(
            f"{Path(command[0]).name} failed, for the reason above; see to it and type "
            "the command again"
        )


def _show_progress(line: str) -> None:
    """One line that changes in a terminal; elsewhere nothing is erased or counted."""
    if sys.stderr.isatty():
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)
    elif line:
        _say(line)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _continue_in_venv(words: list[str]) -> int:
    """This file again, under the Python of `.venv`; on POSIX it takes our place."""
    command = [str(PYTHON), str(ROOT / "manage.py"), *words]
    if sys.platform == "win32":
        # There, exec returns to the shell at once and leaves the command behind.
        try:
            return subprocess.run(command, check=False).returncode
        except KeyboardInterrupt:
            return 130
    os.execv(PYTHON, command)


if __name__ == "__main__":
    sys.exit(main())
