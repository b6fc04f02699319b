"""The application below a path prefix, where every application may be put."""

import re
from typing import Any

import pytest
from quart.testing.connections import TestHTTPConnection
from werkzeug.datastructures import Headers

from quart_chassis.application import Application
from quart_chassis.project import Project
from quart_chassis.testing.routes import LOCAL, TOKEN, ask, routes

PREFIX = "/some/where"
BELOW = {"X-Forwarded-Prefix": PREFIX, "Accept": "text/html"}
# Attributes of a page that name a path of this site.
LINKS = re.compile(r'[\w-]+="(/[^"]*)"')
COOKIE_PATHS = re.compile(r"[Pp]ath=([^;]*)")


@pytest.mark.parametrize("strips", [True, False], ids=["stripped", "kept"])
async def test_everything_stays_below_a_path_prefix(
    project: Project, database: str, examples: dict[str, Any], strips: bool
) -> None:
    """Behind a proxy that serves other applications as well, and says so."""
    app: Application = project.create_app(
        DATABASE_URL=database, ADMIN_TOKEN=TOKEN, **LOCAL
    )
    async with app.test_app() as serving:
        client = serving.test_client()
        for rule, path in routes(app, examples):
            asked = path if strips else f"{PREFIX}{path}"
            for method in sorted(rule.methods or set()):
                answered = await ask(client, asked, method, b"", **BELOW)
                assert not outside(answered), (method, path)
        nowhere = "/nowhere" if strips else f"{PREFIX}/nowhere"
        assert not outside(await ask(client, nowhere, "GET", b"", **BELOW))
        described = await client.get(
            "/openapi.json", headers=BELOW, scope_base={"client": ("127.0.0.1", 1234)}
        )
        assert (await described.get_json())["servers"] == [{"url": PREFIX}]


def outside(answered: TestHTTPConnection) -> list[str]:
    """The paths that an answer names which are not below the prefix."""
    headers = answered.headers or Headers()
    named = re.findall(r"^/.*", headers.get("Location", ""))
    named += COOKIE_PATHS.findall(headers.get("Set-Cookie", ""))
    if "html" in headers.get("Content-Type", ""):
        body = answered.response_data
        named += LINKS.findall(bytes(body).decode("utf-8"))
    below = f"{PREFIX}/"
    return [each for each in named if not f"{each}/".startswith(below)]
