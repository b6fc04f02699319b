"""All counters as a file, as they are at one moment."""

import json

import asyncpg
import pytest
from quart.typing import TestClientProtocol

from my_app.application import create_app
from my_app.stats_app import transfer
from quart_chassis.application import Application
from quart_chassis.testing.routes import TOKEN
from tests.counter_app.writers import wrong_sums
from tests.stats_app.files import fill, rows_of

ADMIN = {"Authorization": f"Bearer {TOKEN}"}


async def export(client: TestClientProtocol) -> bytes:
    response = await client.get("/api/export", headers=ADMIN)
    assert response.status_code == 200
    assert response.content_type == "application/x-ndjson"
    content: bytes = await response.get_data(as_text=False)
    return content


async def test_each_counter_has_a_line(
    client: TestClientProtocol, database: str
) -> None:
    await client.post("/api/counters/b/increment")
    await client.put("/api/counters/a", json={"value": 7}, headers=ADMIN)
    head, first, second, end = map(json.loads, (await export(client)).splitlines())
    assert (head["format"], head["version"]) == ("counters", 1)
    assert first["days"] == {}
    assert [first["name"], first["value"], first["base"]] == ["a", 7, 7]
    assert [second["name"], second["value"], second["base"]] == ["b", 1, 0]
    assert list(second["days"].values()) == [1]
    assert end == {"end": True, "counters": 2}


async def test_none_are_a_file_too(client: TestClientProtocol) -> None:
    assert (await export(client)).endswith(b'\n{"end":true,"counters":0}\n')


async def test_what_is_exported_is_imported_as_it_was(
    client: TestClientProtocol, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In three pages."""
    monkeypatch.setattr(transfer, "DAYS_AT_ONCE", 800)
    await fill(database, 8, 3)
    before = await rows_of(database)
    content = await export(client)
    connection = await asyncpg.connect(database)
    await connection.execute("TRUNCATE counters, counter_days")
    await connection.close()
    for _ in range(2):
        response = await client.post(
            "/api/import",
            data=content,
            headers=ADMIN | {"Content-Type": "application/x-ndjson"},
        )
        assert await response.get_json() == {
            "counters": len(before),
            "days": 3 * len(before),
        }
        assert await rows_of(database) == before
    assert await wrong_sums(database) == []


async def test_it_is_of_one_moment(
    database: str, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with READ COMMITTED."""
    monkeypatch.setattr(transfer, "DAYS_AT_ONCE", 0)
    async with app.test_app() as serving, app.app_context():
        client = serving.test_client()
        for name in "abc":
            await client.post(f"/api/counters/{name}/increment")
        pieces = transfer.export()
        lines = [await anext(pieces), await anext(pieces)]
        for name in "abcd":
            await client.post(f"/api/counters/{name}/increment")
        await client.delete("/api/counters/c", headers=ADMIN)
        lines += [piece async for piece in pieces]
    _, *counters, end = map(json.loads, b"".join(lines).splitlines())
    assert [(each["name"], each["value"]) for each in counters] == [
        *(("a", 1), ("b", 1), ("c", 1)),
    ]
    assert [sum(each["days"].values()) for each in counters] == [1, 1, 1]
    assert end["counters"] == 3


async def test_who_stops_reading_leaves_nothing_open(
    database: str, app: Application
) -> None:
    await fill(database, 3, 1)
    async with app.test_app(), app.app_context():
        pieces = transfer.export()
        await anext(pieces)
        await anext(pieces)
        await pieces.aclose()
        connection = await asyncpg.connect(database)
        transactions = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND state LIKE 'idle in%'"
        )
        await connection.close()
    assert transactions == 0


async def test_a_head_exports_nothing(client: TestClientProtocol) -> None:
    response = await client.head("/api/export", headers=ADMIN)
    assert response.content_type == "application/x-ndjson"
    assert await response.get_data(as_text=False) == b""


async def test_without_a_database_it_is_an_error(client: TestClientProtocol) -> None:
    nowhere = "postgresql://u:s3cret@127.0.0.1:1/app"
    app = create_app(DATABASE_URL=nowhere, WAIT_SECONDS=1, ADMIN_TOKEN=TOKEN)
    async with app.test_app() as serving:
        response = await serving.test_client().get("/api/export", headers=ADMIN)
    assert response.status_code == 503
    assert "s3cret" not in await response.get_data(as_text=True)


@pytest.mark.parametrize(("method", "path"), [("get", "export"), ("post", "import")])
async def test_it_is_the_owners(
    client: TestClientProtocol, database: str, method: str, path: str
) -> None:
    response = await getattr(client, method)(f"/api/{path}")
    assert response.status_code == 401
    app = create_app(DATABASE_URL=database)
    async with app.test_app() as serving:
        response = await getattr(serving.test_client(), method)(f"/api/{path}")
    assert response.status_code == 404
