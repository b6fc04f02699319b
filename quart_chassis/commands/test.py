"""Run the tests, on a PostgreSQL of their own."""

import argparse
import os
import subprocess
import sys

TOOLS = True
# Twice as many processes as cores: much of the tests' time is waiting for servers.
PARALLEL = ["-n", str(min(2 * (os.cpu_count() or 1), 16)), "--dist", "worksteal"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Whether to run the long ones; all other arguments go to pytest."""
    parser.usage = f"{parser.prog} [-h] [--all] [PYTEST ARGS ...]"
    parser.add_argument(
        "--all", action="store_true", help="also tests that need containers or minutes"
    )


def run(arguments: argparse.Namespace) -> int:
    """The exit status of pytest."""
    options = ["--all"] if arguments.all else []
    # Without arguments: all tests, on every core.
    options += arguments.rest or PARALLEL
    command = [sys.executable, "-m", "pytest", *options]
    return subprocess.run(command, check=False).returncode
