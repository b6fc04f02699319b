"""Mend what can be mended of what check finds: format, imports and lint."""

import argparse
import subprocess
import sys

TOOLS = True


def run(arguments: argparse.Namespace) -> int:
    """Mend it, and print what is left for the user to correct; 1 if anything is."""
    ruff = [sys.executable, "-m", "ruff"]
    mended = subprocess.run([*ruff, "check", "--fix", "."], check=False).returncode
    formatted = subprocess.run([*ruff, "format", "."], check=False).returncode
    return int(bool(mended or formatted))
