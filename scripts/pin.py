"""Pin all of requirements/ anew: `python3 scripts/pin.py [--upgrade]`; needs uv."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Which files each one holds, in the order to pin them: what one pins, those that hold
# it pin alike.
FILES = {"app": (), "run": ("app",), "tracing": ("app",), "dev": ("run", "tracing")}
# For every system and every Python we support, with hashes, without addresses.
COMPILE = [
    *("uv", "pip", "compile", "--quiet", "--universal", "--generate-hashes"),
    *("--no-strip-extras", "--no-header", "--python-version", "3.11"),
]


def main(options: list[str]) -> None:
    """Hand `options` on to uv, once for each file."""
    for name, held in FILES.items():
        output = f"requirements/{name}.txt"
        words = [] if name == "app" else ["--group", name]
        for other in held:
            words += ["-c", f"requirements/{other}.txt"]
        subprocess.run(
            [*COMPILE, "pyproject.toml", *words, *options, "-o", output],
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        print(f"{output} is up to date")


if __name__ == "__main__":
    main(sys.argv[1:])
