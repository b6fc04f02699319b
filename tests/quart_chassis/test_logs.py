import asyncio
import io
import json
import logging
import os
import re
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from quart import Response
from quart.typing import TestClientProtocol
from small_app.application import create_app

from quart_chassis.application import Application
from quart_chassis.observe import console
from quart_chassis.observe.requests import MOST_BYTES
from tests.quart_chassis.small_project import serving

log = structlog.stdlib.get_logger()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


async def test_each_request_has_one_line(
    capsys: pytest.CaptureFixture[str], database: str
) -> None:
    async with create_app(DATABASE_URL=database).test_app() as app:
        response = await app.test_client().get("/nowhere?token=s3cret")
    (line,) = lines(capsys)
    assert (line["method"], line["path"], line["status"]) == ("GET", "/nowhere", 404)
    assert line["milliseconds"] >= 0
    assert line["request_id"] == response.headers["X-Request-ID"]
    assert line["level"] == "info"
    assert "s3cret" not in str(line)


async def test_a_sane_request_id_is_kept(client: TestClientProtocol) -> None:
    response = await client.get("/livez", headers={"X-Request-ID": "abc-1.2_3"})
    assert response.headers["X-Request-ID"] == "abc-1.2_3"


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", 'a"b', "ä", "a;b"])
async def test_another_request_id_is_replaced(
    client: TestClientProtocol, given: str
) -> None:
    response = await client.get("/livez", headers={"X-Request-ID": given})
    assert re.fullmatch("[0-9a-f]{32}", response.headers["X-Request-ID"])


async def test_a_request_id_stands_in_every_line_meanwhile(
    capsys: pytest.CaptureFixture[str], database: str
) -> None:
    app = create_app(DATABASE_URL=database)

    @app.get("/talk")
    async def talk() -> str:
        logging.getLogger("somebody.else").warning("one of %s", "theirs")
        return ""

    async with app.test_app() as running:
        await running.test_client().get("/talk", headers={"X-Request-ID": "me"})
    told = lines(capsys)
    assert [line["event"] for line in told] == ["one of theirs", "request"]
    assert {line["request_id"] for line in told} == {"me"}


async def test_a_caller_who_leaves_is_logged_as_such(
    capsys: pytest.CaptureFixture[str], database: str
) -> None:
    app = create_app(DATABASE_URL=database)
    entered = asyncio.Event()

    @app.get("/wait")
    async def wait() -> str:
        entered.set()
        await asyncio.Event().wait()
        return ""

    async with app.test_app() as running:
        async with running.test_client().request("/wait") as connection:
            await connection.send_complete()
            await entered.wait()
            await connection.disconnect()
    (line,) = lines(capsys)
    assert line["status"] == 499


async def test_people_get_lines_to_read(
    capsys: pytest.CaptureFixture[str], database: str
) -> None:
    app = create_app(DATABASE_URL=database, LOG_FORMAT="console")
    async with app.test_app() as running:
        await running.test_client().get("/livez")
    line = capsys.readouterr().err
    assert "GET /livez 200" in line
    assert not line.startswith("{")


async def test_the_level_is_the_least_that_is_logged(
    capsys: pytest.CaptureFixture[str], database: str
) -> None:
    app = create_app(DATABASE_URL=database, LOG_LEVEL="warning")
    async with app.test_app() as running:
        await running.test_client().get("/livez")
    assert capsys.readouterr().err == ""


def test_the_server_and_alembic_log_in_the_same_format(empty_database: str) -> None:
    with serving(DATABASE_URL=empty_database) as server:
        server.get("/livez")
        assert server.stop() == 0
    told = [json.loads(line) for line in server.lines if line.startswith("{")]
    events = [line["event"] for line in told]
    assert "Running upgrade  -> 0001, Create the table of notes." in events
    assert any("Started server process" in event for event in events)
    assert events.count("request") == 1
    assert all({"level", "timestamp"} <= line.keys() for line in told)
    others = [line for line in server.lines if not line.startswith("{")]
    assert others == [f"Open {server.url} (Ctrl-C ends it)"]


REQUEST_LINE = re.compile(
    r"\d\d:\d\d:\d\d \[info\] (\S+) (\S+) (\d+) [\d.]+ ms [0-9a-f]{8}\n"
)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/livez", "/livez"),
        ("GET", f"/api/notes/{'x' * 5000}/last", "/last"),
        ("PROPFIND" * 9, f"/{'y' * 200}", "yyy"),
    ],
)
async def test_a_requests_line_fits_80_columns(
    capsys: pytest.CaptureFixture[str],
    database: str,
    method: str,
    path: str,
    expected: str,
) -> None:
    app = create_app(DATABASE_URL=database, LOG_FORMAT="console")
    async with app.test_app() as running:
        await running.test_client().open(path, method=method, json={})
    line = capsys.readouterr().err
    assert len(line) <= 81
    found = REQUEST_LINE.fullmatch(line)
    assert found
    assert found[2].endswith(expected)
    assert found[2].startswith(path[:4])


async def test_nobody_can_forge_a_line_or_move_the_cursor(
    capsys: pytest.CaptureFixture[str], database: str
) -> None:
    app = create_app(DATABASE_URL=database, LOG_FORMAT="console")
    forged = "a\n12:00:00 [info] GET /\r\x1b[2J\x9b\u2028"

    @app.get("/talk")
    async def talk() -> str:
        logging.getLogger("somebody.else").warning("heard %s", forged)
        log.warning("heard", words=forged)
        raise ValueError(forged)

    async with app.test_app() as running:
        await running.test_client().get("/talk", scope_base={"raw_path": b"/\x1b\x9b"})
    told = capsys.readouterr().err
    assert not set(told) & set("\r\x1b\x9b\u2028")
    starts = [line for line in told.splitlines() if not line.startswith("  ")]
    assert len(starts) == 4
    assert all(re.match(r"\d\d:\d\d:\d\d \[", line) for line in starts)
    assert not any(line.startswith("12:00:00 [info] GET / ") for line in starts)


@pytest.mark.parametrize(
    ("environment", "colored"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colors_are_for_terminals_whose_user_wants_them(
    environment: dict[str, str], colored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    master, slave = os.openpty()
    with os.fdopen(master), os.fdopen(slave, "w") as terminal:
        assert console.wants_colors(terminal) is colored
    assert not console.wants_colors(io.StringIO())


async def test_an_error_after_the_view_names_the_request(app: Application) -> None:
    @app.get("/cut-off")
    async def cut_off() -> Response:
        async def parts() -> AsyncIterator[bytes]:
            yield b"one"
            raise RuntimeError("cut off")

        return Response(parts())

    async with app.test_app() as running:
        # Quart for Python 3.13 raises it in a group.
        with pytest.raises((RuntimeError, ExceptionGroup)) as raised:
            headers = {"X-Request-ID": "me"}
            await running.test_client().get("/cut-off", headers=headers)
    assert raised.value.__notes__ == ["Request id: me"]


def test_who_listens_to_logs_goes_on_hearing_them(
    database: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As a project's own tests do, and a collector of traces."""
    for _ in range(2):
        create_app(DATABASE_URL=database)
    logging.getLogger("theirs").warning("heard")
    assert [each.getMessage() for each in caplog.records] == ["heard"]
    writing = [
        each
        for each in logging.getLogger().handlers
        if type(each) is logging.StreamHandler
    ]
    assert len(writing) == 1


async def test_a_requests_line_is_what_structlog_would_write(
    capsys: pytest.CaptureFixture[str], database: str
) -> None:
    def keep(_logger: object, _method: str, event: Any) -> Any:
        return event

    app = create_app(DATABASE_URL=database)
    async with app.test_app():
        await app.test_client().get("/ä%0A?x", headers={"X-Request-ID": "a"})
        # With one processor more, which changes nothing.
        structlog.configure(processors=[keep, *structlog.get_config()["processors"]])
        await app.test_client().get("/ä%0A?x", headers={"X-Request-ID": "a"})
    written = capsys.readouterr().err.splitlines()
    assert len(written) == 2
    short, long = (re.sub(r"[0-9.]+,|[0-9T:.-]+Z", "-", each) for each in written)
    assert short == long


async def test_lines_of_a_turn_are_written_in_whole_pieces(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail where all of them are one: workers tear each other's lines apart."""
    written: list[str] = []
    monkeypatch.setattr(sys.stderr, "write", written.append)
    app = create_app(DATABASE_URL=database)
    async with app.test_app() as running:
        client = running.test_client()
        written.clear()
        await asyncio.gather(*(client.get("/" + "x" * 500) for _ in range(40)))
        await asyncio.sleep(0)
    pieces = [each for each in written if each.strip()]
    assert len(pieces) < 40
    assert max(map(len, pieces)) <= MOST_BYTES
    told = [json.loads(each) for each in "".join(pieces).splitlines()]
    assert [each["status"] for each in told] == [404] * 40
