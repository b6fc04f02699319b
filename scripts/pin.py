"""Pin all of requirements/ anew: `python3 scripts/pin.py [--upgrade]`; needs uv."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# In this order: what one file pins, those that hold it pin alike.
FILES = {
    "app": [],
    "run": ["--group", "run", "-c", "requirements/app.txt"],
    "tracing": ["--group", "tracing", "-c", "requirements/app.txt"],
    "dev": [
        *("--group", "dev"),
        *("-c", "requirements/run.txt", "-c", "requirements/tracing.txt"),
    ],
}
# For every system and every Python we support, with hashes, without addresses.
COMPILE = ["uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"]


def main(options: list[str]) -> None:
    """Hand `options` on to uv, once for each file."""
    for name, words in FILES.items():
        output = f"requirements/{name}.txt"
        command = [
            *COMPILE,
            "--no-header",
            "--python-version",
            "3.11",
            "pyproject.toml",
            *words,
        ]
        subprocess.run(
            [*command, *options, "-o", output],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        print(f"{output} is up to date")


if __name__ == "__main__":
    main(sys.argv[1:])
