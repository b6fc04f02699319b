"""Pin all of requirements/ again, from pyproject.toml."""

import argparse
import subprocess
import sys

from quart_chassis.errors import UserError

TOOLS = True
# The files, in the order to pin them, each with those it includes and pins alike.
FILES = {"app": (), "run": ("app",), "tracing": ("app",), "dev": ("run", "tracing")}
# For every system and every Python we support, with hashes, without addresses.
COMPILE = [
    *("-m", "uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"),
    *("--no-strip-extras", "--no-header", "--python-version", "3.11"),
]


def configure(parser: argparse.ArgumentParser) -> None:
    """Whether to take newer versions."""
    parser.add_argument(
        "--upgrade", action="store_true", help="take the newest versions allowed"
    )
    parser.add_argument(
        "--exclude-newer", metavar="DATE", help="take none released after this day"
    )


def run(arguments: argparse.Namespace) -> None:
    """Write each file, and print its name."""
    options = ["--upgrade"] if arguments.upgrade else []
    if arguments.exclude_newer:
        options += ["--exclude-newer", arguments.exclude_newer]
    for name, held in FILES.items():
        output = f"requirements/{name}.txt"
        words = [] if name == "app" else ["--group", name]
        for other in held:
            words += ["-c", f"requirements/{other}.txt"]
        command = [sys.executable, *COMPILE, "pyproject.toml", *words, *options]
        ran = subprocess.run(
            [*command, "-o", output], check=False, stdout=subprocess.DEVNULL
        )
        if ran.returncode != 0:
            raise UserError(
                f"{output} cannot be compiled, for the reason above; fix it (often "
                "the network, or a version in pyproject.toml) and try again"
            )
        print(f"{output} is up to date")
