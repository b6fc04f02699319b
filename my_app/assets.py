"""Stylesheets, scripts and pictures under names that change with their content.

A browser may then keep them for ever: what changes has another name. Write
`url_for("static", filename="app.css")`, or a blueprint's static, as ever.
"""

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from quart import Quart, Response, current_app, g, request

FOREVER = "public, max-age=31536000, immutable"
DIGEST = re.compile(r"^(.+)\.([0-9a-f]{16})(\.[a-z0-9]+)$")


def install(app: Quart) -> None:
    """Have every static folder of `app` and its blueprints served like that."""

    @app.url_defaults
    def name_by_content(endpoint: str, values: dict[str, Any]) -> None:
        path = _path(endpoint, values)
        if path is not None and path.is_file():
            stem, dot, kind = values["filename"].rpartition(".")
            values["filename"] = f"{stem}.{_digest_of(path)}{dot}{kind}"

    @app.url_value_preprocessor
    def find_by_name(endpoint: str | None, values: dict[str, Any] | None) -> None:
        named = DIGEST.match((values or {}).get("filename", ""))
        if not (named and values and endpoint):
            return
        values["filename"] = named[1] + named[3]
        path = _path(endpoint, values)
        g.is_current = (
            path is not None and path.is_file() and _digest_of(path) == named[2]
        )

    @app.after_request
    async def say_how_long_to_keep(response: Response) -> Response:
        if _is_static(request.endpoint) and response.status_code < 400:
            # A page of before a deployment gets today's file, but not for ever.
            current = g.get("is_current", False)
            response.headers["Cache-Control"] = FOREVER if current else "no-cache"
            response.headers.pop("Expires", None)
        return response


def _is_static(endpoint: str | None) -> bool:
    return endpoint is not None and endpoint.rpartition(".")[2] == "static"


def _path(endpoint: str, values: dict[str, Any]) -> Path | None:
    """The file meant, if the endpoint is a static folder's."""
    if not _is_static(endpoint):
        return None
    blueprint = endpoint.rpartition(".")[0]
    owner = current_app.blueprints[blueprint] if blueprint else current_app
    folder = owner.static_folder
    return None if folder is None else Path(folder) / values["filename"]


def _digest_of(path: Path) -> str:
    return _digest(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=1024)
def _digest(path: Path, _changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
