"""Strangers make no more counters and keys than the settings allow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from quart.typing import TestClientProtocol

from my_app.application import create_app
from my_app.counter_app.bounds import (
    FULL_SECONDS,
    NEW_COUNTERS_LOCK,
)
from my_app.counter_app.increments import (
    BoundReached,
    Counted,
)
from quart_chassis.testing.pooler import settings_for
from quart_chassis.testing.waiting import until_async
from tests.counter_app.clock import set_clock
from tests.counter_app.writers import (
    Trial,
    trial,
    two_wait_for_locks,
    wrong_sums,
)

pytestmark = pytest.mark.also_pooled

TOKEN = "t" * 16
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
WRITTEN = "SELECT count(*) FROM counter_budgets"


@pytest.fixture
async def database(database: str) -> str:
    """A database whose minute does not end."""
    await set_clock(database)
    return database


@asynccontextmanager
async def serving(
    database: str, **overrides: object
) -> AsyncIterator[TestClientProtocol]:
    app = create_app(**settings_for(database), ADMIN_TOKEN=TOKEN, **overrides)
    async with app.test_app() as tried:
        yield tried.test_client()


async def fetch(database: str, statement: str) -> Any:
    connection = await asyncpg.connect(database)
    found = await connection.fetchval(statement)
    await connection.close()
    return found


async def ask(client: TestClientProtocol, name: str, key: str = "") -> int:
    headers = {"Idempotency-Key": key} if key else {}
    response = await client.post(f"/api/counters/{name}/increment", headers=headers)
    if response.status_code == 429:
        assert response.headers["Retry-After"] in {"30", "60", str(FULL_SECONDS)}
        assert response.content_type == "application/problem+json"
    return response.status_code


async def counted(tried: Trial, *names: str, keyed: bool = False) -> list[bool]:
    """Whether each was counted; all of them wait for the same batch."""
    asked = (
        tried.count(name, key=f"k-{place}" if keyed else None)
        for place, name in enumerate(names)
    )
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for each in answers:
        assert isinstance(each, Counted | BoundReached)
    return [isinstance(each, Counted) for each in answers]


async def test_new_counters_are_bounded_and_old_ones_go_on(database: str) -> None:
    async with serving(database, NEW_COUNTERS_PER_MINUTE=2) as client:
        assert [await ask(client, name) for name in "abcab"] == [
            200,
            200,
            429,
            200,
            200,
        ]
    assert await fetch(database, "SELECT count(*) FROM counters") == 2


async def test_who_came_last_in_a_batch_is_refused(database: str) -> None:
    async with trial(database, NEW_COUNTERS_PER_MINUTE=2) as tried:
        names = ("a", "b", "c", "a", "c", "home")
        assert await counted(tried, *names) == [True, True, False, True, False, True]
        assert await tried.stored("a") == 2
    assert await wrong_sums(database) == []


async def test_the_owners_counters_are_always_made(database: str) -> None:
    bounds = {"NEW_COUNTERS_PER_MINUTE": 0, "MAX_COUNTERS": 0}
    async with serving(database, COUNTER_NAMES="mine", **bounds) as client:
        assert (await client.get("/")).status_code == 200
        assert await ask(client, "mine") == 200
        put = await client.put("/api/counters/other", json={"value": 5}, headers=ADMIN)
        assert put.status_code == 200
    async with serving(database, **bounds) as client:
        assert await ask(client, "other") == 200
        assert await ask(client, "another") == 429


async def test_so_many_counters_there_may_be(database: str) -> None:
    async with serving(database, MAX_COUNTERS=2) as client:
        assert [await ask(client, name) for name in "abc"] == [200, 200, 429]
        await client.delete("/api/counters/a", headers=ADMIN)
        assert [await ask(client, name) for name in "ca"] == [200, 429]


async def test_who_counts_what_exists_writes_no_budget(database: str) -> None:
    async with serving(database) as client:
        await ask(client, "a")
        assert await fetch(database, WRITTEN) == 1
        await fetch(database, "DELETE FROM counter_budgets")
        await ask(client, "a")
    async with serving(database) as client:
        await ask(client, "a")
        await client.get("/")
    assert await fetch(database, WRITTEN) == 0


async def test_keys_are_bounded_and_replays_are_not(database: str) -> None:
    async with serving(database, KEYS_PER_MINUTE=2) as client:
        keys = ("k1", "k2", "k3", "k1", "")
        statuses = [await ask(client, "a", key) for key in keys]
        assert statuses == [200, 200, 429, 200, 200]
    assert await fetch(database, "SELECT count(*) FROM idempotency_keys") == 2
    assert await fetch(database, "SELECT value FROM counters") == 3


async def test_a_key_that_was_refused_may_come_again(database: str) -> None:
    async with trial(database, KEYS_PER_MINUTE=1) as tried:
        assert await counted(tried, "a", "a", keyed=True) == [True, False]
        await fetch(database, "DELETE FROM counter_budgets")
        assert await tried.count(key="k-1") == Counted(2, False)


async def test_each_minute_has_its_own(database: str) -> None:
    async with serving(database, NEW_COUNTERS_PER_MINUTE=1) as client:
        assert [await ask(client, name) for name in "ab"] == [200, 429]
        await set_clock(database, "2026-03-01 12:01:00+00")
        assert [await ask(client, name) for name in "bc"] == [200, 429]


async def test_workers_share_what_a_minute_has(database: str) -> None:
    bounds = {"NEW_COUNTERS_PER_MINUTE": 10, "KEYS_PER_MINUTE": 15}
    async with trial(database, **bounds) as first, trial(database, **bounds) as second:
        names = [f"c{each}" for each in range(20)]
        made = await asyncio.gather(
            counted(first, *names), counted(second, *reversed(names))
        )
        assert await fetch(database, "SELECT count(*) FROM counters") == 10
        # Who asked for a counter that the other one made was counted, too.
        assert sum(map(sum, made)) >= 10
        await fetch(database, "TRUNCATE counters, counter_days, counter_budgets")
        for each in (first, second):
            each.writer.bounds.seen.clear()
        await asyncio.gather(
            counted(first, *["a"] * 20, keyed=True),
            counted(second, *["b"] * 20, keyed=True),
        )
        assert await fetch(database, "SELECT count(*) FROM idempotency_keys") == 15
        assert await fetch(database, "SELECT sum(value) FROM counters") == 15
    assert await wrong_sums(database) == []


async def test_who_asks_at_the_same_time_makes_one_counter(database: str) -> None:
    """Both are stopped when they have seen that it is not there.

    Seen to fail on a worker that does not look again, and on one that does not wait.
    """
    bounds = {"NEW_COUNTERS_PER_MINUTE": 1, "MAX_COUNTERS": 1}
    async with trial(database, **bounds) as first, trial(database, **bounds) as second:
        connection = await asyncpg.connect(database)
        async with connection.transaction():
            lock = "SELECT pg_advisory_xact_lock($1)"
            await connection.execute(lock, NEW_COUNTERS_LOCK)
            waiting = asyncio.gather(first.count(), second.count())
            await until_async(lambda: two_wait_for_locks(database))
        await connection.close()
        assert {each.value for each in await waiting} == {1, 2}


async def test_a_counter_that_another_worker_deleted_is_a_new_one(
    database: str,
) -> None:
    """Seen to fail on a worker that trusts what it remembers."""
    async with trial(database, MAX_COUNTERS=1) as tried:
        assert await counted(tried, "a") == [True]
        async with serving(database, MAX_COUNTERS=1) as other:
            await other.delete("/api/counters/a", headers=ADMIN)
            assert await ask(other, "b") == 200
        assert await counted(tried, "a", "b", "a") == [False, True, False]
        assert (
            await fetch(database, "SELECT string_agg(name, ' ') FROM counters") == "b"
        )


async def test_many_more_than_a_minute_has_leave_nothing_behind(database: str) -> None:
    async with trial(database, NEW_COUNTERS_PER_MINUTE=5) as tried:
        names = [f"c{each}" for each in range(3000)]
        assert sum(await counted(tried, *names)) == 5
        # A page holds five rows, and not what was made and taken back.
        assert await fetch(database, "SELECT pg_relation_size('counters')") == 8192
        assert await fetch(database, "SELECT count(*) FROM counter_days") == 5
