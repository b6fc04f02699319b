"""Two applications, one without its lanes, which are to answer alike."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any, cast

import asyncpg
import pytest
from hypothesis import strategies as st

from my_app.application import create_app
from my_app.counter_app.settings import LARGEST_VALUE
from quart_chassis.application import Application

# For test modules whose tests take these fixtures.
__all__ = ["both", "runner"]

TOKEN = "t" * 16
NAMES = ["home", "a", "a.b-c_d", "A", "%61", "a%2Fb", "-", "x" * 64, "x" * 65, "ä", ""]
METHODS = ["GET", "GET", "GET", "POST", "POST", "HEAD", "PUT", "OPTIONS", "get", "X"]
USUAL = [
    (b"user-agent", b"Mozilla/5.0"),
    (b"user-agent", "\u00e4".encode()),
    (b"accept", b"*/*"),
    (b"accept", b"application/json"),
    (b"accept-encoding", b"gzip"),
    (b"cache-control", b"no-cache"),
    (b"content-length", b"0"),
    (b"sec-fetch-site", b"same-origin"),
    (b"x-request-id", b"mine"),
    (b"x-forwarded-for", b"10.0.0.1"),
    (b"x-forwarded-proto", b"https"),
]
ODD = [
    (b"user-agent", b"Googlebot/2.1"),
    (b"cookie", b"session=x"),
    (b"authorization", f"Bearer {TOKEN}".encode()),
    (b"authorization", b"Bearer wrong"),
    (b"sec-purpose", b"prefetch"),
    (b"purpose", b"Preview"),
    (b"x-moz", b"prefetch"),
    (b"range", b"bytes=0-3"),
    (b"if-none-match", b"*"),
    (b"idempotency-key", b"k"),
    (b"idempotency-key", b"other"),
    (b"idempotency-key", "ä".encode()),
    (b"content-type", b"application/json"),
    (b"content-type", b"text/plain"),
    (b"content-encoding", b"gzip"),
    (b"content-length", b"00"),
    (b"content-length", b"x"),
    (b"transfer-encoding", b"chunked"),
    (b"origin", b"https://elsewhere.example"),
    (b"sec-fetch-site", b"cross-site"),
    (b"host", b"other"),
    (b"host", b"bad host"),
    (b"x-request-id", b"not sane"),
    (b"x-forwarded-prefix", b"/below"),
    (b"x-forwarded-host", b"other"),
    (b"access-control-request-method", b"POST"),
    (b"expect", b"100-continue"),
    (b"x-http-method-override", b"PUT"),
]
HEADERS = st.builds(
    lambda usual, odd: [*usual, *odd],
    st.lists(st.sampled_from(USUAL), max_size=4),
    st.lists(st.sampled_from(ODD), max_size=2),
)
BODIES = [b"", b"", b"", b'{"amount": 2}', b"{}", b"{", b'{"amount": -1}']
VALUES = [None, 0, 1, 8, 9, 98, 99_998, 999_999_998, LARGEST_VALUE - 1, LARGEST_VALUE]
ROWS = """
    SELECT name, value, NULL, base FROM counters
    UNION ALL SELECT counter_name, value, ' day', NULL FROM counter_days
    UNION ALL SELECT counter_name, value, key, amount FROM idempotency_keys
    ORDER BY 1, 3
"""
# What is drawn for a request besides its address.
ANYTHING: dict[str, Any] = {
    "value": st.sampled_from(VALUES),
    "query": st.sampled_from([b"", b"", b"", b"x=1", b"limit=1"]),
    "version": st.sampled_from(["1.1", "1.1", "1.0", "2"]),
    "headers": HEADERS,
    "body": st.sampled_from(BODIES),
}
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


def scope_of(
    method: str, path: str, headers: list[tuple[bytes, bytes]], query: bytes = b""
) -> dict[str, Any]:
    hosts = [] if any(name == b"host" for name, _ in headers) else [(b"host", b"site")]
    raw, _, _ = path.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 5001),
        "client": ("127.0.0.1", 5555),
        "scheme": "http",
        "method": method,
        "root_path": "",
        "path": raw.replace("%61", "a").replace("%2F", "/"),
        "raw_path": raw.encode(),
        "query_string": query,
        "headers": [*hosts, *headers],
        "state": {},
    }


async def ask(app: Application, scope: dict[str, Any], body: bytes = b"") -> Answer:
    """What the application sends, without the id of the request."""
    messages: list[Any] = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[dict[str, Any]] = []

    answered = asyncio.Event()

    async def receive() -> Any:
        if messages and not answered.is_set():
            return messages.pop()
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    await cast(Any, app)(scope, receive, send)
    head, *parts = sent
    # Quart 0.23 says of every answer that it depends on the cookie, because it looks
    # whether there is a session to save.
    left_out = {b"x-request-id"}
    if (b"vary", b"Cookie") in head["headers"]:
        left_out.add(b"vary")
    headers = [each for each in head["headers"] if each[0] not in left_out]
    return head["status"], sorted(headers), b"".join(each["body"] for each in parts)


class Both:
    """An application with its lanes, and one without, on one database."""

    def __init__(self, database: str, **overrides: object) -> None:
        given = {"DATABASE_URL": database, "ADMIN_TOKEN": TOKEN, **overrides}
        self.with_lanes, self.without = create_app(**given), create_app(**given)
        self.without.extensions["fast_lanes"].clear()
        self.database = database

    async def compare(
        self, value: int | None, scope: dict[str, Any], body: bytes
    ) -> None:
        connection = await self.reset(value)
        try:
            # Twice, so that its page may be filled in.
            hosts = [each for each in scope["headers"] if each[0] == b"host"]
            for _ in range(2):
                await ask(self.with_lanes, scope_of("GET", scope["path"], hosts))
            answers = []
            for app in (self.with_lanes, self.without):
                await (await self.reset(value)).close()
                asked = {**scope, "headers": list(scope["headers"])}
                answer = await ask(app, asked, body)
                rows = [tuple(row) for row in await connection.fetch(ROWS)]
                answers.append((answer, rows, asked.get("route")))
        finally:
            await connection.close()
        assert answers[0] == answers[1]

    async def reset(self, value: int | None) -> asyncpg.Connection:
        """Give two counters this value, or let there be none; for more statements."""
        connection = await asyncpg.connect(self.database)
        await connection.execute(
            "TRUNCATE counters, counter_days, counter_budgets, idempotency_keys"
        )
        for app in (self.with_lanes, self.without):
            app.extensions["writer"].bounds.seen.clear()
        if value is not None:
            await connection.execute(
                "INSERT INTO counters (name, value, base, created_at, updated_at) "
                "SELECT each, $1, $1, 'epoch', 'epoch' FROM unnest($2::text[]) AS each",
                value,
                ["home", "a"],
            )
        return connection


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(
    scope="module",
    params=[
        {},
        {"COUNTER_NAMES": ["a"], "CORS_ORIGINS": ["https://elsewhere.example"]},
    ],
    ids=["open", "restricted"],
)
def both(
    runner: asyncio.Runner, module_database: str, request: pytest.FixtureRequest
) -> Iterator[Both]:
    pair = Both(module_database, **request.param)
    stack = AsyncExitStack()

    async def start() -> None:
        for app in (pair.with_lanes, pair.without):
            serving: Any = app.test_app()
            await stack.enter_async_context(serving)

    runner.run(start())
    yield pair
    runner.run(stack.aclose())


class Unreachable:
    """What Quart answers with, if it is asked."""

    def __init__(self, *_: object) -> None:
        raise AssertionError("this came to Quart")


def compare_whatever(
    runner: asyncio.Runner, both: Both, asked: tuple[str, str], drawn: dict[str, Any]
) -> None:
    """Hold both to answer alike; `drawn` is of ANYTHING."""
    headers, body = drawn["headers"], drawn["body"]
    if body and drawn["version"] != "2":
        # Only there may a body come unannounced.
        headers = [*headers, (b"content-length", str(len(body)).encode())]
    scope = scope_of(*asked, headers, drawn["query"])
    scope["http_version"] = drawn["version"]
    runner.run(both.compare(drawn["value"], scope, body))


def compare_unusual(runner: asyncio.Runner, both: Both, method: str, path: str) -> None:
    """Each unusual thing by itself, where nothing else leaves the request to Quart."""
    scopes = [
        *(scope_of(method, path, [each]) for each in (*USUAL, *ODD)),
        *(scope_of(method, path, [], query) for query in (b"x=1", b"amount=2")),
        *(scope_of(other, path, []) for other in METHODS),
        *(scope_of(method, path, []) | {"http_version": each} for each in ("1.0", "2")),
        scope_of(method, path, []) | {"root_path": "/below"},
        scope_of(method, path, []) | {"scheme": "https"},
    ]
    for scope in scopes:
        runner.run(both.compare(8, scope, b""))
    for value in VALUES:
        runner.run(both.compare(value, scope_of(method, path, []), b""))
        # As a browser sends a POST without a body.
        empty = scope_of(method, path, [(b"content-length", b"0")])
        runner.run(both.compare(value, empty, b""))
    for body in filter(None, BODIES):
        length = (b"content-length", str(len(body)).encode())
        kind = (b"content-type", b"application/json")
        announced = scope_of(method, path, [kind, length])
        runner.run(both.compare(8, announced, body))
        runner.run(both.compare(8, scope_of(method, path, [length]), body))
        without = scope_of(method, path, []) | {"http_version": "2"}
        runner.run(both.compare(8, without, body))


def answered_at_the_door(
    runner: asyncio.Runner, both: Both, method: str, path: str
) -> int:
    """The status of a usual request that Quart is not to see."""
    app: Any = both.with_lanes

    async def ask_thrice() -> int:
        await (await both.reset(5)).close()
        for _ in range(2):
            await ask(app, scope_of(method, path, USUAL))
        own, app.asgi_http_class = app.asgi_http_class, Unreachable
        try:
            status, *_ = await ask(app, scope_of(method, path, USUAL))
        finally:
            app.asgi_http_class = own
        return status

    return runner.run(ask_thrice())
