"""Make the checkout's environment, `.venv`, when needed, and keep it up to date.

Standard library only: this runs before anything is installed.
"""

import hashlib
import json
import os
import shutil
import stat
import sys
from importlib.util import find_spec
from pathlib import Path

from quart_chassis.errors import UserError, say
from quart_chassis.installation import fitting, installing
from quart_chassis.installation.dependencies import ROOT
from quart_chassis.installation.keeping import keep_programs
from quart_chassis.locks import locked

VENV = ROOT / ".venv"
STATE = VENV / "made-by-manage.json"
PYTHON = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"


def is_ours() -> bool:
    """Whether `manage.py` made `.venv`, or began to make it."""
    return STATE.exists()


def is_another_tools() -> bool:
    """Whether `.venv` is a complete environment that `manage.py` did not make."""
    return _is_whole() and not is_ours()


def is_ready(tools: bool) -> bool:
    """Whether `.venv` has the current pins: for `run`, or with `tools` for all."""
    made_for = _state().get("dev" if tools else "run")
    return made_for == _fingerprint(tools) and _is_whole()


def _is_whole() -> bool:
    """Whether it is an environment; without pyvenv.cfg its Python is the system's."""
    return (VENV / "pyvenv.cfg").exists() and PYTHON.exists()


def make_ready(tools: bool) -> None:
    """Make `.venv`, or add the tools to it, in one process at a time."""

    def waiting() -> None:
        say("Waiting for another process that makes .venv")

    try:
        with locked(ROOT / ".venv.lock", waiting):
            if not is_ready(tools):
                _make(tools)
    except OSError as error:
        raise UserError(
            f"cannot make {VENV}: {error}; see to the folder's permissions and its disk"
        ) from None


def refuse_unreadable() -> None:
    """Raise UserError if `.venv` exists and this user may not read it."""
    library = VENV / "lib" / f"python{VERSION}"
    inner = (STATE, PYTHON, library.parent, library, library / "site-packages")
    for path in (VENV, *inner):
        if _is_closed(path):
            raise UserError(
                f"{path} is closed to you, because another user made it; go on as that "
                f"user, or delete {VENV} to have it made again"
            )


def _is_closed(path: Path) -> bool:
    """Whether the path exists and this user may not read it."""
    try:
        mode = path.stat().st_mode
    except PermissionError:
        # A link into a closed folder, for example.
        return True
    except OSError:
        return False
    return not os.access(path, os.R_OK | (os.X_OK if stat.S_ISDIR(mode) else 0))


def _state() -> dict[str, str]:
    """The fingerprints that `.venv` was made for; empty until it is complete."""
    try:
        state: dict[str, str] = json.loads(STATE.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return state


def _requirements(tools: bool) -> Path:
    return ROOT / "requirements" / ("dev.txt" if tools else "run.txt")


def _fingerprint(tools: bool) -> str:
    """A hash of the requirements and of Python's minor version."""
    content = _requirements(tools).read_bytes() + VERSION.encode()
    return hashlib.sha256(content).hexdigest()


def _make(tools: bool) -> None:
    uv = shutil.which("uv")
    if not uv and not (find_spec("venv") and find_spec("ensurepip")):
        raise UserError(
            "this Python has no venv or no pip; install them (Debian and Ubuntu: "
            "apt install python3-venv), or install uv"
        )
    # dev.txt has the pins of run.txt, so the tools can be added to an environment. An
    # environment with other tools is deleted, so that none of them are left.
    if not is_ready(tools=False) or "dev" in _state():
        say(f"Making .venv for Python {VERSION}")
        _make_empty(uv)
    path = _requirements(tools)
    say(f"Installing requirements/{path.name} into .venv")
    fitting.install(PYTHON, path, uv)
    installing.check(PYTHON, path, uv)
    done = {"run": _fingerprint(False)} | ({"dev": _fingerprint(True)} if tools else {})
    STATE.write_text(json.dumps(done), "utf-8")


def _make_empty(uv: str | None) -> None:
    if VENV.exists():
        # Deleted first, so that a folder half deleted is no environment.
        (VENV / "pyvenv.cfg").unlink(missing_ok=True)
        keep_programs(VENV, ROOT / ".postgres")
        shutil.rmtree(VENV)
    VENV.mkdir()
    # Empty until all is installed, so that an interruption is noticed.
    STATE.write_text("{}", "utf-8")
    base = getattr(sys, "_base_executable", sys.executable)
    if uv:
        words = ["--quiet", "--allow-existing", "--python", base, str(VENV)]
        installing.run([uv, "venv", *words])
    else:
        installing.run([base, "-m", "venv", str(VENV)])
