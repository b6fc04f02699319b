"""Have what a command wrote pass `check`, where the tools are installed."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path


def mend(*paths: str | Path) -> None:
    """Format files and mend their imports."""
    if find_spec("ruff"):
        # What lint finds, the format may still mend: a line that is too long.
        ruff = [sys.executable, "-m", "ruff"]
        subprocess.run([*ruff, "check", "--fix", "--silent", *paths], check=False)
        subprocess.run([*ruff, "format", "--quiet", *paths], check=False)
