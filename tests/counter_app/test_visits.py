"""Who is counted: browsers, tools and those who load pictures for people; no robots."""

import json
import subprocess
from pathlib import Path

import asyncpg
import httpx
import pytest
from quart.typing import TestClientProtocol

from my_app.application import create_app
from my_app.counter_app import robots, sightings
from quart_chassis.postgres import programs
from quart_chassis.testing.one_database import needs_its_own
from quart_chassis.testing.pooler import settings_for
from quart_chassis.testing.servers import manage, running
from quart_chassis.testing.waiting import HANG_SECONDS

pytestmark = pytest.mark.also_pooled

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
# What each is, and what it calls itself: two hundred, from logs and documentation.
USER_AGENTS = [
    line.split("\t")
    for line in Path(__file__).with_name("user_agents.txt").read_text().splitlines()
]
TOKEN = "t" * 16
OWNER = {"Authorization": f"Bearer {TOKEN}"}
AGENT, ADDRESS = "Marked-Agent/7.31", "203.0.113.77"


async def robots_of(database: str) -> list[tuple[str, int]]:
    connection = await asyncpg.connect(database)
    found = await connection.fetch("SELECT counter_name, value FROM counter_robots")
    await connection.close()
    return [tuple(row) for row in found]


def test_two_hundred_user_agents_are_taken_for_what_they_are() -> None:
    wrong = [
        (kind, agent)
        for kind, agent in USER_AGENTS
        if robots.is_robot(agent) != (kind == "robot")
    ]
    assert len(USER_AGENTS) > 200
    assert wrong == []


def test_no_more_is_remembered_than_is_looked_at() -> None:
    before = robots._is_robot.cache_info().currsize
    agents = [f"{'long ' * 200}{number}" for number in range(10)]
    assert not any(map(robots.is_robot, agents))
    assert robots._is_robot.cache_info().currsize == before + 1


async def test_a_robot_is_answered_and_not_counted(
    client: TestClientProtocol,
) -> None:
    await client.get("/")
    response = await client.get("/", headers={"User-Agent": GOOGLEBOT})
    assert response.status_code == 200
    assert response.headers["X-Counted"] == "0"
    assert response.headers["X-Counted-Reason"] == "robot"
    assert "1" in await response.get_data(as_text=True)
    seen = await client.get("/api/counters/home")
    assert (await seen.get_json())["value"] == 1


async def test_a_robot_that_counts_on_purpose_is_counted(
    client: TestClientProtocol,
) -> None:
    address = "/api/counters/a/increment"
    response = await client.post(address, headers={"User-Agent": GOOGLEBOT})
    assert (await response.get_json())["value"] == 1


async def test_robots_count_where_they_are_wanted(database: str) -> None:
    app = create_app(**settings_for(database), COUNT_ROBOTS=True)
    async with app.test_app() as serving:
        client = serving.test_client()
        response = await client.get("/", headers={"User-Agent": GOOGLEBOT})
        assert response.headers["X-Counted"] == "1"


async def test_robots_are_counted_apart(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the server stops at the latest; never on a counter that there is not."""
    monkeypatch.setattr(sightings, "PAUSE_SECONDS", HANG_SECONDS)
    app = create_app(**settings_for(database))
    async with app.test_app() as serving:
        client = serving.test_client()
        await client.get("/", headers={"User-Agent": GOOGLEBOT})
        assert await robots_of(database) == []
        await client.get("/")
        await client.get("/", headers={"User-Agent": GOOGLEBOT})
        await sightings.write(app.engine, app.extensions["sightings"])
        assert await robots_of(database) == [("home", 2)]
        await client.get("/", headers={"User-Agent": GOOGLEBOT})
        await client.head("/", headers={"User-Agent": GOOGLEBOT})
    assert await robots_of(database) == [("home", 3)]


async def test_what_was_not_written_is_kept(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sightings, "PAUSE_SECONDS", HANG_SECONDS)
    app = create_app(**settings_for(database), ADMIN_TOKEN=TOKEN)
    async with app.test_app() as serving:
        client = serving.test_client()
        await client.get("/")
        async with app.app_context():
            sightings.note("home")
            sightings.note("no-counter")
        seen = app.extensions["sightings"]
        connection = await asyncpg.connect(database)
        async with connection.transaction():
            await connection.execute("LOCK counter_robots")
            await sightings.write(app.engine, seen)
            assert seen == {"home": 1, "no-counter": 1}
        await sightings.write(app.engine, seen)
        assert seen == {}
        await connection.close()
        assert await robots_of(database) == [("home", 1)]
        await client.delete("/api/counters/home", headers=OWNER)
    assert await robots_of(database) == []


async def test_an_older_schema_keeps_nobody_from_stopping(
    database: str, client: TestClientProtocol
) -> None:
    needs_its_own()
    connection = await asyncpg.connect(database)
    await connection.execute("DROP TABLE counter_robots")
    await connection.close()
    response = await client.get("/", headers={"User-Agent": GOOGLEBOT})
    assert response.headers["X-Counted-Reason"] == "robot"


async def test_the_owner_is_not_counted_where_they_say_so(database: str) -> None:
    keys = {"SECRET_KEY": "a" * 32, "ADMIN_TOKEN": TOKEN}
    app = create_app(**settings_for(database), **keys)
    async with app.test_app() as serving:
        client = serving.test_client()
        assert (await client.post("/my-visits/skip")).status_code == 401
        said = await client.post("/my-visits/skip", headers=OWNER)
        assert said.status_code == 303
        (cookie,) = said.headers.getlist("Set-Cookie")
        assert cookie.startswith("not_me=")
        assert "HttpOnly" in cookie
        response = await client.get("/", headers={"User-Agent": GOOGLEBOT})
        assert response.headers["X-Counted"] == "0"
        assert response.headers["X-Counted-Reason"] == "self"
        ahead = await client.get("/", headers={"Sec-Purpose": "prefetch"})
        assert ahead.headers["X-Counted-Reason"] == "self"
        # Who uses the API does it on purpose.
        address = "/api/counters/home/increment"
        assert (await (await client.post(address)).get_json())["value"] == 1
    renewed = {"SECRET_KEY": "b" * 32, "SECRET_KEY_FALLBACKS": ["a" * 32]}
    app = create_app(**settings_for(database), **(keys | renewed))
    sent = {"Cookie": cookie.partition(";")[0]}
    async with app.test_app() as serving:
        client = serving.test_client()
        response = await client.get("/", headers=sent)
        assert response.headers["X-Counted-Reason"] == "self"
        undone = await client.post("/my-visits/count", headers=sent | OWNER)
        assert "Max-Age=0" in undone.headers["Set-Cookie"]


@pytest.mark.parametrize(
    "cookie", ["", "not me", "not me.", "not me.AAAA", "ä", "x" * 4000]
)
async def test_only_a_cookie_of_ours_says_so(
    client: TestClientProtocol, cookie: str
) -> None:
    response = await client.get("/", headers={"Cookie": f'not_me="{cookie}"'})
    assert response.headers["X-Counted"] == "1"
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    ("method", "headers", "reason"),
    [
        ("head", {}, "head"),
        ("head", {"User-Agent": GOOGLEBOT}, "head"),
        ("get", {"Sec-Purpose": "prefetch"}, "prefetch"),
        ("get", {"X-Moz": "prefetch", "User-Agent": GOOGLEBOT}, "robot"),
        ("get", {"User-Agent": "x" * 10_000 + GOOGLEBOT}, None),
        ("get", {"User-Agent": ""}, None),
        ("get", {}, None),
    ],
)
async def test_the_reason_is_told(
    client: TestClientProtocol, method: str, headers: dict[str, str], reason: str
) -> None:
    response = await getattr(client, method)("/", headers=headers)
    assert response.headers.get("X-Counted-Reason") == reason
    assert response.headers["X-Counted"] == ("0" if reason else "1")


def test_nothing_is_kept_of_who_asked(database: str) -> None:
    """Neither in the database nor in the log."""
    marks = {"User-Agent": AGENT, "X-Forwarded-For": ADDRESS}
    with running(manage("run", "--port", "0"), DATABASE_URL=database) as server:
        for headers in (marks, marks | {"User-Agent": f"{AGENT} {GOOGLEBOT}"}):
            for path in ("/", "/api/counters/home", "/nowhere"):
                httpx.get(server.url + path, headers=headers, timeout=HANG_SECONDS)
            address = f"{server.url}/api/counters/a/increment"
            httpx.post(address, headers=headers | {"Idempotency-Key": "k"})
        assert server.stop() == 0
        told = "\n".join(server.lines)
    dumped = subprocess.run(
        [programs.find() / "pg_dump", database],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "idempotency_keys" in dumped
    assert json.dumps("/api/counters/home") in told
    for found in (dumped, told):
        assert AGENT not in found
        assert ADDRESS not in found
