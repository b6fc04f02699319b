"""A file of counters, back into the database."""

import asyncio
import datetime as dt
import json
from io import BytesIO
from typing import Any

import pytest
from quart.typing import TestClientProtocol

from my_app.counter_app.settings import LARGEST_VALUE
from my_app.stats_app import lines, transfer
from my_app.stats_app.api import LARGEST_BYTES
from quart_chassis.application import Application
from quart_chassis.testing.routes import TOKEN
from tests.counter_app.writers import wrong_sums
from tests.stats_app.files import HEAD, TODAY, counter, file_of, rows_of

ADMIN = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-ndjson"}
# Also where midnight comes meanwhile.
LATER = str(TODAY + dt.timedelta(days=2))
END = {"end": True, "counters": 1}


async def send(client: TestClientProtocol, content: bytes) -> tuple[int, Any]:
    response = await client.post("/api/import", data=content, headers=ADMIN)
    return response.status_code, await response.get_json(force=True)


async def test_counters_of_the_file_are_as_it_says(
    client: TestClientProtocol, database: str
) -> None:
    for name in ("a", "a", "kept"):
        await client.post(f"/api/counters/{name}/increment")
    status, told = await send(client, file_of(counter("b"), counter("a", base=2)))
    assert (status, told) == (200, {"counters": 2, "days": 4})
    rows = {
        name: (value, base, days)
        for name, value, base, *_, days in (await rows_of(database))
    }
    assert rows["kept"][0] == 1
    assert rows["a"] == rows["b"] == (9, 2, '{ "2026-01-01" : 3, "2026-01-02" : 4 }')
    assert await wrong_sums(database) == []
    counted = await client.post("/api/counters/a/increment")
    assert (await counted.get_json())["value"] == 10


async def test_a_number_from_elsewhere_is_a_base(client: TestClientProtocol) -> None:
    line = counter("old", value=123_456, base=123_456, days={})
    assert (await send(client, file_of(line)))[0] == 200
    read = await client.get("/api/counters/old")
    assert (await read.get_json())["value"] == 123_456


async def test_the_largest_numbers_go_through(
    client: TestClientProtocol, database: str
) -> None:
    last, days = LARGEST_VALUE, {str(TODAY): LARGEST_VALUE}
    full = [
        counter("base", value=last, base=last, days={}),
        counter("days", value=last, base=0, days=days),
        counter("less", value=0, base=-last, days=days),
    ]
    assert (await send(client, file_of(*full)))[0] == 200
    assert [row[1] for row in await rows_of(database)] == [last, last, 0]
    full_now = await client.post("/api/counters/base/increment")
    assert full_now.status_code == 409


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        *((b"nothing\n", "no JSON"), (b"[1]\n", "Expected object")),
        *((b'{"name": "\xff"}\n', "UTF-8"), (b"[" * 100_000 + b"\n", "no JSON")),
        (b'{"name": "x", "name": "x"}\n', "duplicate"),
        (b" " * (lines.LONGEST_LINE + 1) + b"\n", "longer than"),
        ({"name": "x"}, "missing required field value"),
        (counter("x", more=1), "unknown field more"),
        (counter("X"), "name must start with"),
        (counter("x" * 65), "name must start with"),
        (counter("\u0000"), "name must start with"),
        (counter("a"), "name a has a line already"),
        (counter("x", value=8), "value is 8, and base and days add up to 9"),
        (counter("x", value="9"), "Expected int, got str - at $.value"),
        (counter("x", value=9.5), "Expected int, got float - at $.value"),
        (counter("x", value=-1), "Expected int >= 0 - at $.value"),
        (counter("x", value=2**63), "at $.value"),
        (counter("x", value=2**70), "at $.value"),
        (counter("x", base=-(2**63)), "at $.base"),
        (counter("x", days={"2026-01-01": 0}), "at $.days"),
        (counter("x", days={"2026-02-30": 1}), "at key in $.days"),
        (counter("x", days={"yesterday": 1}), "at key in $.days"),
        (counter("x", days={LATER: 7}), "in the future (UTC)"),
        (counter("x", days={"9999-12-31": 7}), "in the future (UTC)"),
        (counter("x", created_at="2026-01-01T00:00:00"), "at $.created_at"),
        (counter("x", updated_at="now"), "at $.updated_at"),
        (counter("x", created_at="0001-01-01T00:00:00+14:00"), "created_at is out of"),
        (counter("x", updated_at="9999-12-31T23:59:59-14:00"), "updated_at is out of"),
        (
            counter(
                "x",
                value=0,
                base=1 - 2**63,
                days={"2026-01-01": 2**63 - 1, "2026-01-02": 1},
            ),
            "add up to",
        ),
    ],
)
async def test_what_is_wrong_is_told_with_its_line(
    client: TestClientProtocol, database: str, wrong: Any, words: str
) -> None:
    content = file_of(counter("a"), wrong, end={"end": True, "counters": 2})
    status, told = await send(client, content)
    assert status == 422
    assert told["detail"].startswith("Line 3: ")
    assert words in told["detail"]
    assert "0 counters of the lines before it were imported" in told["detail"]
    assert await rows_of(database) == []


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "the first line must be a head, such as {"),
        (b"<html>\n", "the line is no JSON"),
        (HEAD | {"version": 2}, "version is 2, and this release reads 1"),
        (HEAD | {"version": "1"}, "at $.version"),
        (HEAD | {"format": "dump"}, "Invalid enum value 'dump' - at $.format"),
        ({"format": "counters", "version": 1}, "missing required field exported_at"),
    ],
)
async def test_another_kind_of_file_is_refused(
    client: TestClientProtocol, head: Any, words: str
) -> None:
    status, told = await send(client, file_of(counter("a"), head=head))
    assert status == 422
    assert words in told["detail"]
    assert told["detail"].startswith("Line 1: ")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (file_of(counter("a"), end=END | {"counters": 2}), "Line 3: counters is 2"),
        (file_of(counter("a"), end=END) + b"{}\n", "Line 4: there is something behind"),
        (file_of(counter("a"), end=END | {"more": 1}), "unknown field more"),
        (file_of(end=b'{"end": false, "counters": 0}\n'), "at $.end"),
    ],
)
async def test_the_last_line_is_checked(
    client: TestClientProtocol, content: bytes, words: str
) -> None:
    status, told = await send(client, content)
    assert status == 422
    assert words in told["detail"]


async def test_a_file_that_was_cut_off_anywhere_is_refused(
    client: TestClientProtocol,
) -> None:
    content = file_of(counter("a"), counter("b"))
    for length in range(len(content) - 1):
        status, told = await send(client, content[:length])
        assert status == 422, content[:length]
        assert told["detail"].startswith("Line ")
    assert (await send(client, content[:-1]))[0] == 200
    assert (await send(client, content + b"\n \n"))[0] == 200
    # Written by another program; and a counter may be called so.
    other = file_of(counter("end"), end=b'{ "counters" : 1, "end" : true }')
    assert (await send(client, other))[0] == 200


async def test_what_stood_before_stays_and_the_whole_may_be_sent_again(
    client: TestClientProtocol, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "ROWS_AT_ONCE", 6)
    good = [counter(name) for name in "abcde"]
    status, told = await send(client, file_of(*good, b"{\n"))
    assert status == 422
    assert "Line 7: " in told["detail"]
    assert " 4 counters of the lines before it were imported" in told["detail"]
    assert [row[0] for row in await rows_of(database)] == list("abcd")
    assert (await send(client, file_of(*good)))[0] == 200
    assert [row[0] for row in await rows_of(database)] == list("abcde")


async def test_counting_goes_on_while_a_file_is_imported(
    database: str, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "ROWS_AT_ONCE", 10)
    names = [f"c{number}" for number in range(40)]
    content = file_of(*(counter(name) for name in reversed(names)))
    async with app.test_app() as serving, app.app_context():
        client = serving.test_client()

        async def count() -> None:
            for name in names * 2:
                answered = await client.post(f"/api/counters/{name}/increment")
                assert answered.status_code == 200

        callers = [asyncio.create_task(count()) for _ in range(8)]
        for _ in range(5):
            await transfer.import_all(BytesIO(content))
        await asyncio.gather(*callers)
    assert await wrong_sums(database) == []
    assert len(await rows_of(database)) == len(names)


async def test_only_lines_of_json_are_taken(client: TestClientProtocol) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded", ""):
        response = await client.post(
            "/api/import", data=file_of(), headers=ADMIN | {"Content-Type": kind}
        )
        assert response.status_code == 415
        problem = json.loads(await response.get_data(as_text=True))
        assert "application/x-ndjson" in problem["detail"]


async def test_a_file_that_is_too_large_is_refused(client: TestClientProtocol) -> None:
    status, told = await send(client, b" " * (LARGEST_BYTES + 1))
    assert status == 413
    assert "importcounters" in told["detail"]
