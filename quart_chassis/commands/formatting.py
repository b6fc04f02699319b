"""Have what a command wrote pass `check`, where the tools are installed."""

import subprocess
import sys
from importlib.util import find_spec


def mend(path: str) -> None:
    """Format a file and mend its imports."""
    if find_spec("ruff"):
        ruff = [sys.executable, "-m", "ruff"]
        subprocess.run([*ruff, "check", "--fix", "--quiet", path], check=False)
        subprocess.run([*ruff, "format", "--quiet", path], check=False)
