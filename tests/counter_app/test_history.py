"""A counter's value is its base and the sum of its days, at every commit."""

import asyncio
import datetime as dt
from typing import Any

import asyncpg
import pytest
from quart.typing import TestClientProtocol

from my_app.application import create_app
from my_app.counter_app import forgetting
from my_app.counter_app.days import today
from my_app.counter_app.increments import Counted, CounterFull
from my_app.counter_app.settings import LARGEST_VALUE
from quart_chassis.application import Application
from quart_chassis.database import migrations
from quart_chassis.features import load_settings
from quart_chassis.project import Project
from quart_chassis.testing.pooler import settings_for
from quart_chassis.testing.routes import TOKEN
from tests.counter_app.clock import set_clock
from tests.counter_app.writers import trial, wrong_sums

pytestmark = pytest.mark.also_pooled

ADMIN = {"Authorization": f"Bearer {TOKEN}"}
DAYS = "/api/counters/a/days"
OLDER = "UPDATE counter_days SET day = day - $1::int"


async def run(database: str, statement: str, *arguments: object) -> list[Any]:
    connection = await asyncpg.connect(database)
    found = await connection.fetch(statement, *arguments)
    await connection.close()
    return [tuple(row) for row in found]


async def bases(database: str) -> dict[str, int]:
    return dict(await run(database, "SELECT name, base FROM counters"))


async def put(client: TestClientProtocol, value: int) -> None:
    response = await client.put("/api/counters/a", json={"value": value}, headers=ADMIN)
    assert response.status_code == 200


async def days_of(client: TestClientProtocol, query: str = "") -> dict[str, int]:
    """The days that are not 0."""
    response = await client.get(DAYS + query)
    assert response.status_code == 200
    shown = (await response.get_json())["days"]
    return {each["day"]: each["value"] for each in shown if each["value"]}


async def test_what_is_counted_stands_in_its_day(
    client: TestClientProtocol, database: str
) -> None:
    await client.post("/api/counters/a/increment", json={"amount": 5})
    await client.post("/api/counters/a/increment")
    await client.get("/")
    rows = await run(database, "SELECT * FROM counter_days ORDER BY 1")
    assert rows == [("a", today(), 6), ("home", today(), 1)]
    assert await wrong_sums(database) == []


async def test_a_day_ends_at_midnight_in_utc(database: str) -> None:
    await set_clock(database, "2026-03-01 23:59:59.999999+00")
    async with trial(database) as tried:
        await asyncio.gather(tried.count(), tried.count("b"), tried.count())
        await set_clock(database, "2026-03-02 00:00:00+00")
        await tried.count()
    rows = await run(
        database,
        "SELECT counter_name, day::text, value FROM counter_days ORDER BY 1, 2",
    )
    assert rows == [
        ("a", "2026-03-01", 2),
        ("a", "2026-03-02", 1),
        ("b", "2026-03-01", 1),
    ]
    assert await wrong_sums(database) == []


async def test_days_are_shown_with_those_that_have_none(
    client: TestClientProtocol, database: str
) -> None:
    await client.post("/api/counters/a/increment", json={"amount": 5})
    await run(database, OLDER, 2)
    await client.post("/api/counters/a/increment")
    response = await client.get(DAYS)
    answer = await response.get_json()
    assert answer["name"] == "a"
    assert len(answer["days"]) == 30
    first = today() - dt.timedelta(days=29)
    assert answer["days"][0] == {"day": first.isoformat(), "value": 0}
    assert [each["value"] for each in answer["days"][-3:]] == [5, 0, 1]
    assert answer["days"][-1]["day"] == today().isoformat()


async def test_a_range_is_what_was_asked_for(
    client: TestClientProtocol, database: str
) -> None:
    await client.post("/api/counters/a/increment")
    await run(database, OLDER, 10)
    day = (today() - dt.timedelta(days=10)).isoformat()
    response = await client.get(f"{DAYS}?from={day}&to={day}")
    shown = (await response.get_json())["days"]
    assert shown == [{"day": day, "value": 1}]


async def test_days_to_come_and_days_that_are_gone_are_left_out(
    client: TestClientProtocol, app: Application
) -> None:
    await client.post("/api/counters/a/increment")
    after = today() + dt.timedelta(days=300)
    response = await client.get(f"{DAYS}?from={today()}&to={after}")
    shown = (await response.get_json())["days"]
    assert shown == [{"day": today().isoformat(), "value": 1}]
    response = await client.get(f"{DAYS}?from=2001-01-01&to=2001-02-01")
    assert (await response.get_json())["days"] == []


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("from=yesterday", "$.from"),
        ("to=2026-02-30", "$.to"),
        ("from=20260101", "$.from"),
        ("from=2026-03-02&to=2026-03-01", "from must not be after to"),
        ("from=1026-01-01&to=2026-01-01", "400 days apart"),
        ("from=0001-01-01&to=9999-12-31", "400 days apart"),
        ("from=", "$.from"),
    ],
)
async def test_a_range_that_is_none_is_refused_by_name(
    client: TestClientProtocol, query: str, words: str
) -> None:
    await client.post("/api/counters/a/increment")
    response = await client.get(f"{DAYS}?{query}")
    assert response.status_code == 422
    assert words in (await response.get_json())["detail"]


@pytest.mark.parametrize("query", ["", "?to=0001-01-01", "?from=9999-12-31"])
async def test_the_first_and_the_last_day_there_are_break_nothing(
    client: TestClientProtocol, query: str
) -> None:
    await client.post("/api/counters/a/increment")
    assert (await client.get(DAYS + query)).status_code in {200, 422}


async def test_a_counter_that_does_not_exist_has_no_days(
    client: TestClientProtocol,
) -> None:
    assert (await client.get(DAYS)).status_code == 404
    assert (await client.get("/api/counters/-/days")).status_code == 422


@pytest.mark.parametrize("value", [0, 3, 5, LARGEST_VALUE])
async def test_what_is_set_is_in_the_base(
    client: TestClientProtocol, database: str, value: int
) -> None:
    await client.post("/api/counters/a/increment", json={"amount": 5})
    await put(client, value)
    assert await days_of(client) == {today().isoformat(): 5}
    assert await bases(database) == {"a": value - 5}
    assert await wrong_sums(database) == []
    await put(client, 1)
    await client.post("/api/counters/a/increment")
    assert await days_of(client) == {today().isoformat(): 6}
    assert await wrong_sums(database) == []


async def test_a_counter_that_was_set_first_has_no_days(
    client: TestClientProtocol, database: str
) -> None:
    await put(client, 1234)
    assert await days_of(client) == {}
    assert await bases(database) == {"a": 1234}


async def test_deleting_a_counter_deletes_its_days(
    client: TestClientProtocol, database: str
) -> None:
    await client.post("/api/counters/a/increment", json={"amount": 5})
    await client.delete("/api/counters/a", headers=ADMIN)
    assert await run(database, "SELECT * FROM counter_days") == []
    await client.post("/api/counters/a/increment")
    assert await days_of(client) == {today().isoformat(): 1}
    assert await wrong_sums(database) == []


async def test_the_sum_of_the_days_is_bounded_as_the_value_is(database: str) -> None:
    """A counter that was set back has counted as much as fits into its days."""
    most = {"MAX_AMOUNT": LARGEST_VALUE, "BATCH_LIMIT": 1}
    async with trial(database, **most) as tried:
        await tried.count(amount=LARGEST_VALUE - 1)
        statement = "UPDATE counters SET base = base - value, value = 0"
        await run(database, statement)
        assert await wrong_sums(database) == []
        assert await tried.count() == Counted(1, False)
        with pytest.raises(CounterFull):
            await tried.count()
        await run(database, OLDER, 400)
        await forgetting.forget(tried.engine, days_kept=400)
        assert await tried.count() == Counted(2, False)
    assert await wrong_sums(database) == []


async def test_old_days_become_part_of_the_base(
    app: Application, client: TestClientProtocol, database: str
) -> None:
    for age in (2, 1, 397):
        await client.post("/api/counters/a/increment", json={"amount": age})
        await client.post("/api/counters/b/increment")
        await run(database, OLDER, age)
    await client.post("/api/counters/a/increment")
    await forgetting.forget(app.engine, days_kept=400)
    rows = await run(
        database, "SELECT counter_name, value FROM counter_days ORDER BY 1, 2"
    )
    assert rows == [("a", 1), ("a", 1), ("a", 397), ("b", 1), ("b", 1)]
    assert await bases(database) == {"a": 2, "b": 1}
    assert await wrong_sums(database) == []


async def test_days_go_while_the_counter_counts(database: str) -> None:
    async with trial(database) as tried:
        for _ in range(20):
            await asyncio.gather(*(tried.count() for _ in range(20)))
            await run(database, OLDER, 5)
            counting = asyncio.gather(*(tried.count() for _ in range(20)))
            await forgetting.forget(tried.engine, days_kept=5)
            assert await wrong_sums(database) == []
            await counting
        assert await tried.stored() == 800
    assert await wrong_sums(database) == []


async def test_what_was_counted_before_there_were_days_is_the_base(
    database: str, project: Project
) -> None:
    settings = load_settings(project, DATABASE_URL=database)
    await migrations.to_revision(settings, "0001")
    await run(
        database,
        "INSERT INTO counters (name, value) SELECT 'c' || each, each "
        "FROM generate_series(0, 9) AS each",
    )
    await migrations.to_revision(settings)
    assert await bases(database) == {f"c{each}": each for each in range(10)}
    app = create_app(**settings_for(database))
    async with app.test_app() as serving:
        await serving.test_client().post("/api/counters/c9/increment")
    assert await wrong_sums(database) == []
