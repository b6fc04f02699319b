"""An application's routes and static files, and asking for them."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from quart.testing.connections import TestHTTPConnection
from quart.typing import TestClientProtocol
from werkzeug.datastructures import Headers
from werkzeug.routing import Rule

from quart_chassis.application import Application
from quart_chassis.testing.waiting import HANG_SECONDS
from quart_chassis.web.assets import is_static

TOKEN = "t" * 40
KEY = {"SECRET_KEY": "k" * 32}
# Whatever settings.toml says of hosts and proxies, the tests are answered.
LOCAL: dict[str, Any] = {"TRUSTED_HOSTS": [], "FORWARDED_ALLOW_IPS": ["127.0.0.1"]}
# What an argument is by its converter, where no example of it is written.
BY_CONVERTER = {
    "IntegerConverter": 1,
    "FloatConverter": 1.5,
    "UUIDConverter": "00000000-0000-4000-8000-000000000000",
}
# Larger files are the same to the test, and take its time.
LARGEST_FILE_BYTES = 2_000_000


def routes(app: Application, examples: dict[str, Any]) -> Iterator[tuple[Rule, str]]:
    """Every HTTP route with an address; the test fails where none can be made."""
    for rule in app.url_map.iter_rules():
        if rule.websocket:
            continue
        values = {name: _value(rule, name, examples) for name in rule.arguments}
        try:
            built = rule.build(values)
        except (ValueError, TypeError):
            built = None
        if built is None:
            pytest.fail(
                f"no address can be made of {rule.rule}; write examples of its "
                "arguments beside the import of the policies, for example "
                f"EXAMPLES = {dict.fromkeys(rule.arguments, '…')}"
            )
        yield rule, built[1]


def _value(rule: Rule, name: str, examples: dict[str, Any]) -> Any:
    if name in examples:
        return examples[name]
    if name in (rule.defaults or {}):
        return (rule.defaults or {})[name]
    converter = rule._converters[name]
    items = getattr(converter, "items", None)
    if items:
        return sorted(items)[0]
    return BY_CONVERTER.get(type(converter).__name__, "example")


async def ask(
    client: TestClientProtocol,
    path: str,
    method: str,
    body: bytes = b"",
    **headers: str,
) -> TestHTTPConnection:
    """How a request was answered; no more than the beginning of the answer is read."""
    given = {
        "Authorization": f"Bearer {TOKEN}",
        "X-Forwarded-Proto": "https",
    }
    connection = client.request(
        path,
        method=method,
        headers=Headers(given | headers),
        scope_base={"client": ("127.0.0.1", 1234)},
    )
    assert isinstance(connection, TestHTTPConnection)
    async with connection, asyncio.timeout(HANG_SECONDS):
        await connection.send(body)
        await connection.send_complete()
        # A stream has no end.
        connection.response_data.extend(await connection.receive())
        await connection.disconnect()
    return connection


def static_files(app: Application) -> Iterator[tuple[str, str]]:
    """The endpoint and name of each file in a static folder."""
    for rule in app.url_map.iter_rules():
        if is_static(rule.endpoint):
            blueprint = rule.endpoint.rpartition(".")[0]
            owner = app.blueprints[blueprint] if blueprint else app
            folder = Path(str(owner.static_folder))
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.stat().st_size <= LARGEST_FILE_BYTES:
                    yield rule.endpoint, path.relative_to(folder).as_posix()
