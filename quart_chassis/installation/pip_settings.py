"""The user's settings for pip: what of them counts for `.venv`.

Standard library only: this runs before anything is installed.
"""

import ast
import os
import subprocess
from pathlib import Path

from quart_chassis.errors import UserError

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


def pip(python: Path) -> list[str]:
    """The environment's own pip, without PYTHONPATH, whose packages it would list."""
    return [str(python), "-I", "-m", "pip", "--disable-pip-version-check"]


def environment(python: Path) -> dict[str, str]:
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
    chosen = none()
    for section in SECTIONS:
        for option, value in found[section].items():
            chosen[f"PIP_{option.replace('-', '_').upper()}"] = value
    return chosen


def _configured(python: Path, *words: str) -> str:
    """The output of `pip config` for the user's settings."""
    told = subprocess.run(
        [*pip(python), "config", *words],
        env={**os.environ, **LISTING, "PIP_PYTHON": str(python)},
        stdout=subprocess.PIPE,
        text=True,
        errors="surrogateescape",
        check=False,
    )
    if told.returncode != 0:
        raise UserError("pip cannot read its settings, for the reason above; fix them")
    return told.stdout.strip()


def none() -> dict[str, str]:
    """This process's variables, without the user's settings for pip."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
    return kept | {"PIP_CONFIG_FILE": os.devnull}
