"""A project of our own, with what `startapp` makes, as users have it."""

import atexit
import shutil
import subprocess
import sys

from boilerplate.benchmarks.field import MADE
from quart_chassis.errors import UserError, say
from quart_chassis.testing.servers import ROOT

# As `startapp books title:text --api` has it.
TABLE = (
    "CREATE TABLE books (id bigint PRIMARY KEY, title text NOT NULL, "
    "created_at timestamptz NOT NULL DEFAULT now())",
    "INSERT INTO books VALUES (1, 'Middlemarch')",
)


def make() -> None:
    """Make it, of what is committed; it goes when this program ends."""
    say("Making a project with an ordinary view")
    atexit.register(shutil.rmtree, MADE, ignore_errors=True)
    for folder, words in (
        (ROOT, ["manage.py", "new", str(MADE), "--package", "book_shop"]),
        (
            MADE,
            [
                "-m",
                "quart_chassis.commands",
                "startapp",
                "books",
                "title:text",
                "--api",
            ],
        ),
    ):
        ended = subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode:
            raise UserError(f"{' '.join(words)} failed: {ended.stderr.strip()}")
