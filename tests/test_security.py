"""Every route is held to the policy: what a new one forgets, fails here."""

from collections.abc import Iterator

import pytest
from quart import Quart
from quart.testing.utils import sentinel
from quart.typing import TestClientProtocol
from werkzeug.routing import Rule

from my_app.application import create_app
from my_app.security import HEADERS, STRICT_TRANSPORT_SECURITY

TOKEN = "t" * 40
EXAMPLES = {"name": "a", "filename": "app.css"}
# Read in test_live.py: they have no end.
STREAMS = {"counter_live.events"}
# Kept, but asked for again; under its own name an asset is kept for ever.
CACHED = {"static", "counter_app.static"}
FROM_HERE = {"client": ("127.0.0.1", 1234)}
HTTPS = {"X-Forwarded-Proto": "https"}


def routes(app: Quart) -> Iterator[tuple[Rule, str]]:
    """Every route with an address that it answers."""
    for rule in app.url_map.iter_rules():
        values = dict(EXAMPLES)
        if rule.endpoint == "counter_app.static":
            values["filename"] = "counter.js"
        built = rule.build({name: values[name] for name in rule.arguments})
        assert built
        yield rule, built[1]


@pytest.mark.parametrize("environment", ["testing", "production"])
async def test_every_route_sends_the_security_headers(
    database: str, environment: str
) -> None:
    app = create_app(
        DATABASE_URL=database, ENV_FOR_DYNACONF=environment, SECRET_KEY="k" * 32
    )
    async with app.test_app() as serving:
        client = serving.test_client()
        for rule, path in routes(app):
            for method in sorted(rule.methods or ()):
                if method == "GET" and rule.endpoint in STREAMS:
                    continue
                response = await client.open(
                    path,
                    method=method,
                    headers=HTTPS,
                    json=sentinel,
                    scope_base=FROM_HERE,
                )
                expected = dict(HEADERS)
                if rule.endpoint in CACHED:
                    expected["Cache-Control"] = "no-cache"
                if path.startswith("/badges/") and method != "OPTIONS":
                    expected["Cross-Origin-Resource-Policy"] = "cross-origin"
                for name, value in expected.items():
                    assert response.headers.getlist(name) == [value], (method, path)
                sent = response.headers.get("Strict-Transport-Security")
                production = environment == "production"
                assert sent == (STRICT_TRANSPORT_SECURITY if production else None)


async def test_every_route_names_its_methods(client: TestClientProtocol) -> None:
    for rule, path in routes(client.app):
        response = await client.open(path, method="PATCH", json=sentinel)
        assert response.status_code == 405, path
        allowed = set(response.headers["Allow"].split(", "))
        assert (rule.methods or set()) <= allowed


async def test_every_route_that_takes_a_body_bounds_it(database: str) -> None:
    app = create_app(DATABASE_URL=database, ADMIN_TOKEN=TOKEN)
    async with app.test_app() as serving:
        client = serving.test_client()
        bodies = 0
        for rule, path in routes(app):
            for method in (rule.methods or set()) & {"POST", "PUT", "PATCH"}:
                response = await client.open(
                    path,
                    method=method,
                    json=sentinel,
                    data=b" " * (16 * 1024 + 1),
                    headers={
                        "Authorization": f"Bearer {TOKEN}",
                        "Content-Type": "application/json",
                    },
                )
                assert response.status_code == 413, path
                bodies += 1
    assert bodies >= 2


@pytest.mark.parametrize(
    ("hosts", "host", "status"),
    [
        ("", "anything.example", 200),
        ("", "anything.example:5001", 200),
        ("", "[::1]:5001", 200),
        ("", "a<script>", 400),
        ("", "a b", 400),
        ("", "a..b", 400),
        ("", "a" * 64 + ".example", 400),
        ("*", "anything.example", 200),
        ("", "", 400),
        ("good.example", "good.example", 200),
        ("good.example", "good.example:8000", 200),
        ("good.example", "evil.example", 400),
        ("good.example", "good.example.evil.example", 400),
        (".good.example", "www.good.example", 200),
        (".good.example", "notgood.example", 400),
    ],
)
async def test_only_trusted_hosts_are_answered(
    database: str, hosts: str, host: str, status: int
) -> None:
    app = create_app(DATABASE_URL=database, TRUSTED_HOSTS=hosts)
    async with app.test_app() as serving:
        client = serving.test_client()
        page = await client.get("/", headers={"Host": host})
        assert page.status_code == status
        # Who asks whether it lives knows only its address.
        assert (await client.get("/livez", headers={"Host": host})).status_code == 200
        assert (await client.get("/readyz", headers={"Host": host})).status_code == 200
        text = await page.get_data(as_text=True)
        assert "evil" not in text
        assert "<script>" not in text
        last = await client.head("/", headers={"Host": "good.example"})
        shown = await client.get("/api/counters/home", headers={"Host": "good.example"})
        assert last.headers["X-Counted"] == "0"
        # Who was refused was not counted.
        assert shown.status_code == (200 if status == 200 else 404)


@pytest.mark.parametrize(
    ("proxies", "believed"),
    [("10.0.0.1", False), ("127.0.0.1", True), ("127.0.0.0/8", True), ("*", True)],
)
async def test_forwarded_headers_are_believed_only_of_listed_proxies(
    database: str, proxies: str, believed: bool
) -> None:
    app = create_app(
        DATABASE_URL=database,
        FORWARDED_ALLOW_IPS=proxies,
        ENV_FOR_DYNACONF="production",
        SECRET_KEY="k" * 32,
    )
    async with app.test_app() as serving:
        client = serving.test_client()
        response = await client.get("/", headers=HTTPS, scope_base=FROM_HERE)
        assert ("Strict-Transport-Security" in response.headers) is believed


async def test_cookies_are_closed_to_scripts_and_other_sites(database: str) -> None:
    app = create_app(
        DATABASE_URL=database, ENV_FOR_DYNACONF="production", SECRET_KEY="k" * 32
    )
    names = ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY")
    assert all(app.config[name] for name in names)
    assert app.config["SESSION_COOKIE_SAMESITE"] == "Lax"
