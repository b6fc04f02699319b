"""Run the tests, on a PostgreSQL of their own."""

import argparse
import os
import subprocess
import sys

TOOLS = True
# Twice as many processes as cores: much of the tests' time is waiting for servers.
PARALLEL = ["-n", str(min(2 * (os.cpu_count() or 1), 16)), "--dist", "worksteal"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Whether to run the long ones; all other arguments are pytest's."""
    parser.usage = f"{parser.prog} [-h] [--all] [PYTEST ARGS ...]"
    parser.add_argument(
        "--all", action="store_true", help="also what needs containers or minutes"
    )


def run(arguments: argparse.Namespace) -> int:
    """Pytest's status."""
    options = ["--all"] if arguments.all else []
    # Without a choice of tests: all of them, on every core.
    options += arguments.rest or PARALLEL
    command = [sys.executable, "-m", "pytest", *options]
    return subprocess.run(command, check=False).returncode
