"""WebSockets pass the same door as requests, and leave the same traces."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from quart import websocket
from quart.testing.connections import WebsocketResponseError
from quart.typing import TestClientProtocol
from small_app.application import create_app
from uvicorn import Config, Server
from wsproto.events import CloseConnection, TextMessage

from quart_chassis.application import Application
from quart_chassis.testing.samples import measured
from quart_chassis.testing.servers import ASGI_SERVERS, RunningServer, running
from quart_chassis.testing.waiting import until
from tests.quart_chassis.handshakes import connected, echoed
from tests.quart_chassis.small_project import PATHS, SMALL
from tests.quart_chassis.test_servers import SERVERS

WORDS = ["hello", "ä" * 40_000, b"\x00\xff"]
TRUSTED = "good.example"


@pytest.fixture(scope="module", params=ASGI_SERVERS)
def server(
    request: pytest.FixtureRequest, module_database: str
) -> Iterator[RunningServer]:
    settings = {"DATABASE_URL": module_database, "TRUSTED_HOSTS": TRUSTED}
    with running(SERVERS[request.param], SMALL, False, **PATHS, **settings) as server:
        yield server


def is_done(server: RunningServer, request_id: str) -> bool:
    """Whether the last line about a connection was written."""
    return any(line["event"] == "request" for line in told(server.lines, request_id))


def told(lines: list[str], path: str) -> list[dict[str, Any]]:
    """Every line of the log about a path, and what it says."""
    found = [json.loads(line) for line in lines if path in line]
    assert all(isinstance(line, dict) for line in found)
    return found


@pytest.mark.parametrize("words", WORDS)
async def test_what_is_said_to_a_feature_is_echoed(
    client: TestClientProtocol, words: str | bytes
) -> None:
    async with client.websocket("/echo") as connection:
        await connection.send(words)
        assert await connection.receive() == words


async def test_handshakes_are_counted_by_route_and_status(
    client: TestClientProtocol,
) -> None:
    async with client.websocket("/echo") as connection:
        await connection.send("a")
        await connection.receive()
    with pytest.raises(WebsocketResponseError):
        async with client.websocket("/nowhere") as connection:
            await connection.receive()
    samples = await measured(client)
    assert samples["http_requests_total WEBSOCKET /echo 101"] == 1
    assert samples["http_requests_total WEBSOCKET none 404"] == 1
    assert samples["http_request_duration_seconds_count WEBSOCKET /echo"] == 1


@pytest.mark.parametrize("words", WORDS)
async def test_a_real_server_carries_it(
    server: RunningServer, words: str | bytes
) -> None:
    async with connected(server.url, host=TRUSTED) as there:
        assert there.status == 101
        assert [await there.say(words) for _ in range(3)] == [words] * 3


async def test_a_connection_is_one_line_with_status_101(server: RunningServer) -> None:
    path = "/echo?token=s3cret&of=line"
    async with connected(server.url, path, TRUSTED, X_Request_ID="me-1") as there:
        assert await there.say("a") == "a"
        assert there.headers["X-Request-ID"] == "me-1"
    until(lambda: is_done(server, "me-1"))
    (line,) = told(server.lines, "me-1")
    assert (line["method"], line["path"], line["status"]) == ("WEBSOCKET", "/echo", 101)
    assert line["event"] == "request"
    assert "s3cret" not in "\n".join(server.lines)


async def test_a_handshake_has_an_id_of_its_own_where_it_brings_none(
    server: RunningServer,
) -> None:
    ids = []
    for path in ("/echo", "/echo", "/nowhere"):
        async with connected(server.url, path, TRUSTED) as there:
            ids.append(there.headers["X-Request-ID"])
    assert all(len(each) == 32 for each in ids)
    assert len(set(ids)) == 3


async def test_a_page_is_no_websocket_nor_the_other_way_round(
    server: RunningServer,
) -> None:
    async with connected(server.url, "/drafts", TRUSTED) as there:
        assert there.status == 404
    async with httpx.AsyncClient() as client:
        answered = await client.get(f"{server.url}/echo", headers={"Host": TRUSTED})
    assert answered.status_code == 404


async def test_an_unknown_path_is_not_found(server: RunningServer) -> None:
    async with connected(server.url, "/unknown/%C3%A4?token=s3cret", TRUSTED) as there:
        assert there.status == 404
        assert "Not Found" in there.body
        assert there.headers["X-Content-Type-Options"] == "nosniff"
        assert there.headers["X-Request-ID"]
    request_id = there.headers["X-Request-ID"]
    until(lambda: is_done(server, request_id))
    (line,) = told(server.lines, "/unknown/")
    assert (line["method"], line["status"]) == ("WEBSOCKET", 404)
    assert line["request_id"] == request_id
    assert not any("Traceback" in line for line in server.lines)
    assert "s3cret" not in "\n".join(server.lines)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://www.{TRUSTED}", "Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
async def test_a_page_of_another_origin_opens_no_connection(
    server: RunningServer, headers: dict[str, str]
) -> None:
    async with connected(server.url, "/echo", TRUSTED, **headers) as there:
        assert there.status == 403
        assert "another site" in there.body
    request_id = there.headers["X-Request-ID"]
    until(lambda: is_done(server, request_id))
    (line,) = told(server.lines, request_id)
    assert (line["method"], line["path"], line["status"]) == ("WEBSOCKET", "/echo", 403)


async def test_a_page_of_ours_opens_a_connection(server: RunningServer) -> None:
    async with connected(
        server.url, "/echo", TRUSTED, Origin=f"http://{TRUSTED}"
    ) as there:
        assert await there.say("a") == "a"


@pytest.mark.parametrize(
    ("said", "scheme", "status"),
    [
        ("https", "https", 101),
        ("wss", "https", 101),
        ("ws", "http", 101),
        ("https", "http", 403),
        ("wss", "http", 403),
    ],
)
async def test_a_proxy_says_in_its_own_words_that_a_websocket_is_secure(
    server: RunningServer, said: str, scheme: str, status: int
) -> None:
    """Some name the page's scheme, others the WebSocket's."""
    given = {"X_Forwarded_Proto": said, "Origin": f"{scheme}://{TRUSTED}"}
    async with connected(server.url, "/echo", TRUSTED, **given) as there:
        assert there.status == status


@pytest.mark.parametrize("host", ["evil.example", "a<script>", "a b", "a..b"])
async def test_a_handshake_with_a_host_that_is_not_ours_is_refused(
    server: RunningServer, host: str
) -> None:
    async with connected(server.url, "/echo", host) as there:
        assert there.status == 400
        assert "The Host header" in there.body
        assert "evil" not in there.body
        assert "<script>" not in there.body
    request_id = there.headers["X-Request-ID"]
    until(lambda: is_done(server, request_id))
    (line,) = told(server.lines, request_id)
    assert (line["path"], line["status"]) == ("/echo", 400)
    assert not any("Traceback" in line for line in server.lines)


@asynccontextmanager
async def listening(app: Application) -> AsyncIterator[str]:
    """The address of `app` behind Uvicorn, in this process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(Config(app, log_config=None))
        stopped = asyncio.create_task(server.serve([listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await stopped


async def test_an_error_before_the_handshake_is_answered_and_told_once(
    capsys: pytest.CaptureFixture[str], database: str
) -> None:
    app = create_app(DATABASE_URL=database, LOG_FORMAT="json")

    @app.websocket("/broken")
    async def broken() -> None:
        raise RuntimeError("s3cret words")

    async with listening(app) as url:
        async with connected(url, "/broken") as there:
            assert there.status == 500
            assert "Internal Server Error" in there.body
            assert "s3cret" not in there.body
        assert await echoed(url, "still here") == "still here"
    logged = capsys.readouterr().err.splitlines()
    lines = told(logged, there.headers["X-Request-ID"])
    assert [line["level"] for line in lines] == ["error", "info"]
    assert lines[1]["status"] == 500
    assert sum("s3cret words" in line for line in logged) == 1
    assert sum('"exception"' in line for line in logged) == 1


async def test_an_error_after_the_handshake_ends_the_connection_and_is_told_once(
    capsys: pytest.CaptureFixture[str], database: str
) -> None:
    app = create_app(DATABASE_URL=database, LOG_FORMAT="json")

    @app.websocket("/breaking")
    async def breaking() -> None:
        raise RuntimeError(await websocket.receive())

    async with listening(app) as url:
        async with connected(url, "/breaking") as there:
            there.send(TextMessage(data="told by its caller"))
            closed = await there.next()
            assert isinstance(closed, CloseConnection)
    logged = capsys.readouterr().err.splitlines()
    assert sum('"exception"' in line for line in logged) == 1
