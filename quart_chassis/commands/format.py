"""Mend what can be mended of what check finds: format, imports and lint."""

import argparse
import subprocess
import sys

TOOLS = True


def run(arguments: argparse.Namespace) -> int:
    """Mend it, and print what is left for the user to correct; 1 if anything is."""
    ruff = [sys.executable, "-m", "ruff"]
    # What lint cannot mend, the format may: a line that is too long.
    mend = [*ruff, "check", "--fix", "--exit-zero", "--silent", "."]
    subprocess.run(mend, check=False)
    formatted = subprocess.run([*ruff, "format", "."], check=False).returncode
    left = subprocess.run([*ruff, "check", "."], check=False).returncode
    return int(bool(formatted or left))
