"""Static files under names that contain a digest of their content.

A browser may cache them for ever, because a changed file has another name. Templates
write `url_for("static", filename="app.css")`, or a blueprint's static, as usual.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import Any

from quart import Quart, Response, current_app
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

FOREVER = "public, max-age=31536000, immutable"
LONGEST_NAME = 255
NAME = re.compile(r"(.+)(\.[A-Za-z0-9]+)")
DIGESTED = re.compile(r"(.+)\.([0-9a-f]{16})(\.[A-Za-z0-9]+)")

Sender = Callable[[str], Awaitable[Response]]


def install(app: Quart) -> None:
    """Make `url_for` put the digest into the names of all static files of `app`."""

    @app.url_defaults
    def name_by_content(endpoint: str, values: dict[str, Any]) -> None:
        if not is_static(endpoint):
            return
        filename = values.get("filename", "")
        named = NAME.fullmatch(filename)
        digest = _digest_of(endpoint, filename)
        if named and digest:
            values["filename"] = f"{named[1]}.{digest}{named[2]}"


def is_static(endpoint: str | None) -> bool:
    """Whether the endpoint serves a static folder, as Quart names them."""
    return endpoint is not None and endpoint.rpartition(".")[2] == "static"


def by_content(endpoint: str, send: Sender) -> Sender:
    """The view of a static folder, for names with and without a digest.

    `send` is Quart's own view, for names in the folder.
    """

    async def send_static_file(filename: str) -> Response:
        current = False
        digest = _digest_of(endpoint, filename)
        named = DIGESTED.fullmatch(filename)
        if digest is None and named:
            filename = named[1] + named[3]
            digest = _digest_of(endpoint, filename)
            current = digest == named[2]
        if digest is None:
            raise NotFound("There is no such file.")
        response = await send(filename)
        # A page from before a deployment gets the current file, but must revalidate.
        response.headers["Cache-Control"] = FOREVER if current else "no-cache"
        response.headers.pop("Expires", None)
        return response

    return send_static_file


def _digest_of(endpoint: str, filename: str) -> str | None:
    """The current digest of the file; None if the static folder does not have it."""
    # No file system has such a name, and caching it would waste memory.
    if len(filename) > LONGEST_NAME:
        return None
    blueprint = endpoint.rpartition(".")[0]
    owner = current_app.blueprints[blueprint] if blueprint else current_app
    path = _place(str(owner.static_folder), filename)
    try:
        found = path.stat() if path else None
    except (OSError, ValueError):
        # The name may be too long in bytes, or contain a NUL.
        return None
    if path is None or found is None or not S_ISREG(found.st_mode):
        return None
    return _digest(path, found.st_mtime_ns)


@lru_cache(maxsize=1024)
def _place(folder: str, filename: str) -> Path | None:
    joined = safe_join(folder, filename)
    return Path(joined) if joined else None


@lru_cache(maxsize=1024)
def _digest(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
