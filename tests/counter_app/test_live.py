import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress

import asyncpg
import httpx
import pytest
from quart.typing import TestClientProtocol
from sqlalchemy import event
from werkzeug.datastructures import Headers

from my_app.application import create_app
from my_app.counter_app import live
from my_app.counter_app.live import Lookout
from quart_chassis.application import Application
from quart_chassis.settings import Settings
from quart_chassis.testing.pooler import settings_for
from quart_chassis.testing.samples import samples_of
from quart_chassis.testing.servers import manage, running
from quart_chassis.testing.waiting import HANG_SECONDS, until, until_async

pytestmark = pytest.mark.also_pooled


class Stream:
    """An open stream, read event by event."""

    def __init__(
        self, client: TestClientProtocol, path: str, headers: dict[str, str]
    ) -> None:
        self.connection = client.request(path, method="GET", headers=Headers(headers))
        self.text = ""

    async def value(self) -> int:
        """The value of the next event; EOFError if the stream ends."""
        while "\n\n" not in self.text.replace("retry: 1000\n\n", ""):
            received = await self.connection.receive()
            if not received:
                raise EOFError
            self.text += received.decode()
        self.text = self.text.replace("retry: 1000\n\n", "")
        told, _, self.text = self.text.partition("\n\n")
        kind, data = told.split("\n")
        assert kind == "event: value"
        value: int = json.loads(data.removeprefix("data: "))["value"]
        return value


@asynccontextmanager
async def watching(
    client: TestClientProtocol, name: str = "a", **headers: str
) -> AsyncIterator[Stream]:
    stream = Stream(client, f"/api/counters/{name}/events", headers)
    async with stream.connection as connection:
        await connection.send_complete()
        yield stream
        await connection.disconnect()


async def count(client: TestClientProtocol, name: str = "a") -> None:
    response = await client.post(f"/api/counters/{name}/increment")
    assert response.status_code == 200


def lookout_of(app: Application) -> Lookout:
    lookout: Lookout = app.extensions["lookout"]
    return lookout


async def test_a_stream_tells_the_value_at_once_and_after_each_change(
    client: TestClientProtocol, database: str
) -> None:
    await count(client)
    async with watching(client) as stream:
        assert await stream.value() == 1
        await count(client)
        assert await stream.value() == 2
        # Whoever changed it, here another program.
        elsewhere = await asyncpg.connect(database)
        await elsewhere.execute("UPDATE counters SET value = 2 ^ 62")
        await elsewhere.close()
        assert await stream.value() == 2**62


async def test_each_watcher_is_told_of_its_own_counter(
    client: TestClientProtocol,
) -> None:
    await count(client, "a")
    await count(client, "b")
    await count(client, "b")
    async with watching(client, "a") as first, watching(client, "b") as second:
        assert await first.value() == 1
        assert await second.value() == 2
        await count(client, "b")
        assert await second.value() == 3
        await count(client, "a")
        assert await first.value() == 2


@pytest.mark.parametrize(("name", "status"), [("nobody", 404), ("A", 422)])
async def test_what_cannot_be_watched_is_refused(
    client: TestClientProtocol, name: str, status: int
) -> None:
    response = await client.get(f"/api/counters/{name}/events")
    assert response.status_code == status
    assert response.content_type == "application/problem+json"


async def test_head_opens_no_stream(client: TestClientProtocol) -> None:
    await count(client)
    response = await client.head("/api/counters/a/events")
    assert response.status_code == 200
    assert response.content_type == "text/event-stream"


@pytest.mark.parametrize("last", ["-1", "x" * 5000, "1; DROP TABLE counters"])
async def test_a_nonsensical_last_event_id_changes_nothing(
    client: TestClientProtocol, last: str
) -> None:
    await count(client)
    async with watching(client, **{"Last-Event-ID": last}) as stream:
        assert await stream.value() == 1


async def test_a_stream_ends_with_its_counter(
    client: TestClientProtocol, database: str
) -> None:
    await count(client)
    async with watching(client) as stream:
        assert await stream.value() == 1
        elsewhere = await asyncpg.connect(database)
        await elsewhere.execute("DELETE FROM counters")
        await elsewhere.close()
        with pytest.raises(EOFError):
            await stream.value()


async def test_watchers_are_bounded(database: str) -> None:
    app = create_app(**settings_for(database), WATCHER_LIMIT=2)
    async with app.test_app() as serving:
        client = serving.test_client()
        await count(client)
        async with watching(client) as first:
            assert await first.value() == 1
            async with watching(client) as second:
                assert await second.value() == 1
                refused = await client.get("/api/counters/a/events")
                assert refused.status_code == 503
                assert refused.headers["Retry-After"]
            # Who left made room.
            await until_async(lambda: has_watchers(app, 1))
            async with watching(client) as third:
                assert await third.value() == 1


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit on Windows")
def test_watchers_keep_nobody_out_where_files_are_few(database: str) -> None:
    few = ["sh", "-c", 'ulimit -n 128; exec "$0" "$@"', *manage("run", "--port", "0")]
    watched = b"GET /api/counters/home/events HTTP/1.1\r\nHost: a\r\n\r\n"
    with running(few, DATABASE_URL=database) as server, ExitStack() as stack:
        server.get("/")
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        heads = []
        for _ in range(60):
            caller = socket.create_connection(address, HANG_SECONDS)
            stack.enter_context(caller)
            # Who is idle may have to make room.
            with suppress(ConnectionError):
                caller.sendall(watched)
                heads.append(caller.recv(12))
        assert b"HTTP/1.1 200" in heads
        assert b"HTTP/1.1 503" in heads
        assert server.get("/livez").status_code == 200


@pytest.mark.parametrize("behind", [1, 4])
def test_who_leaves_watches_no_more_whatever_was_asked_behind(
    database: str, behind: int
) -> None:
    """Seen to keep its place for 30 s, and to end in a traceback."""
    watched = b"GET /api/counters/home/events HTTP/1.1\r\nHost: a\r\n\r\n"
    with running(
        manage("run", "--port", "0"), DATABASE_URL=database, METRICS="true"
    ) as server:
        server.get("/")
        address = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        callers = [socket.create_connection(address, HANG_SECONDS) for _ in range(3)]
        for caller in callers:
            caller.sendall(watched + b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n" * behind)
        until(lambda: samples_of(server)["counter_watchers"] == 3)
        for caller in callers:
            caller.close()
        until(lambda: samples_of(server)["counter_watchers"] == 0)
        assert server.stop() == 0
        assert not any('"exception"' in line for line in server.lines)


async def has_watchers(app: Application, number: int) -> bool:
    return len(lookout_of(app).watchers) == number


async def test_many_watchers_are_one_question_and_nobody_is_none(
    client: TestClientProtocol, app: Application
) -> None:
    """Seen to fail on a lookout that asks for each watcher."""
    await count(client)
    questions = []
    event.listen(
        app.extensions["engine"].sync_engine,
        "before_cursor_execute",
        lambda *arguments: questions.append(arguments[2]),
    )
    streams = [watching(client) for _ in range(20)]
    opened = [await stream.__aenter__() for stream in streams]
    assert [await stream.value() for stream in opened] == [1] * 20
    asked = [question for question in questions if "ANY" in question]
    assert 1 <= len(asked) <= 4
    for stream in streams:
        await stream.__aexit__(None, None, None)
    await until_async(lambda: has_watchers(app, 0))
    await until_async(lambda: nobody_looks(app))


async def nobody_looks(app: Application) -> bool:
    return not lookout_of(app).arrival.is_set()


async def test_a_quiet_stream_is_kept_open_by_comments(
    client: TestClientProtocol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "COMMENT_SECONDS", 0.05)
    await count(client)
    async with watching(client) as stream:
        assert await stream.value() == 1
        text = await stream.connection.receive()
        assert text == b": still here\n\n"


async def test_streams_survive_a_database_that_is_away(
    app: Application, client: TestClientProtocol
) -> None:
    await count(client)
    async with watching(client) as stream:
        assert await stream.value() == 1
        name = app.settings(Settings).database_name
        elsewhere = await asyncpg.connect(app.settings(Settings).DATABASE_URL)
        for _ in range(3):
            await elsewhere.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = $1 AND pid <> pg_backend_pid()",
                name,
            )
        await elsewhere.execute("UPDATE counters SET value = 5")
        await elsewhere.close()
        assert await stream.value() == 5


def test_streams_end_when_the_server_stops(database: str) -> None:
    """Seen to fail on streams that are left to the server: they are cut off."""
    with running(manage("run", "--port", "0"), DATABASE_URL=database) as server:
        httpx.post(f"{server.url}/api/counters/a/increment")
        address = f"{server.url}/api/counters/a/events"
        with httpx.stream("GET", address, timeout=HANG_SECONDS) as response:
            lines = response.iter_lines()
            assert 'data: {"name":"a","value":1}' in lines
            server.process.send_signal(signal.SIGTERM)
            # An end that is cut off would raise.
            assert list(lines) == [""]
        assert server.wait() == 0


@pytest.mark.slow
def test_a_reader_that_stops_reading_is_dropped(database: str) -> None:
    """The kernel's doing: seen to fail without TCP_USER_TIMEOUT on the listener."""
    with running(manage("run", "--port", "0"), DATABASE_URL=database) as server:
        increment = f"{server.url}/api/counters/a/increment"
        httpx.post(increment)
        host, _, port = server.url.removeprefix("http://").rpartition(":")
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        reader.connect((host, int(port)))
        reader.sendall(b"GET /api/counters/a/events HTTP/1.1\r\nHost: test\r\n\r\n")

        def dropped() -> bool:
            httpx.post(increment)
            return any("/events" in line for line in server.lines)

        until(dropped)
        reader.close()
