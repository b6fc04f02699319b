"""A developer's own SECRET_KEY, kept so that a restart ends no session."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from quart_chassis.errors import say

FILE = ".secret_key"
SHORTEST_KEY = 32


def kept_in(root: Path) -> str:
    """The key in the project's `.secret_key`, which is made if need be.

    Where it cannot be written, each start has a key of its own, and says so.
    """
    path = root / FILE
    try:
        return _read(path) or _make(path)
    except OSError as error:
        say(f"{path} cannot be kept ({error.strerror}), so a restart ends sessions")
        return secrets.token_urlsafe()


def _read(path: Path) -> str | None:
    try:
        key = path.read_text("ascii", "replace").strip()
    except FileNotFoundError:
        return None
    return key if len(key) >= SHORTEST_KEY else None


def _make(path: Path) -> str:
    """The key that is in the file afterwards; another process may be the first."""
    # Only its owner may read what mkstemp makes.
    number, name = tempfile.mkstemp(prefix=f"{FILE}-", dir=path.parent)
    try:
        with os.fdopen(number, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_urlsafe()}\n")
        with suppress(FileExistsError):
            os.link(name, path)
        if not _read(path):
            # What was there is no key.
            Path(name).replace(path)
        return _read(path) or ""
    finally:
        with suppress(FileNotFoundError):
            Path(name).unlink()
