"""The writer on a real database; test_batching_model.py makes its commits fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from sqlalchemy import text

from my_app.counter_app.increments import (
    Counted,
    CounterFull,
    KeyReused,
)
from my_app.counter_app.settings import LARGEST_VALUE
from quart_chassis.database import DatabaseUnavailable
from quart_chassis.testing.waiting import until_async
from tests.counter_app.writers import Trial, trial, two_wait_for_locks

pytestmark = pytest.mark.also_pooled


@asynccontextmanager
async def row_locked(database: str, name: str = "a") -> AsyncIterator[None]:
    """Somebody else's transaction on the counter's row."""
    connection = await asyncpg.connect(database)
    await connection.execute(
        "INSERT INTO counters (name, value, base) VALUES ($1, 0, 0) "
        "ON CONFLICT DO NOTHING",
        name,
    )
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SELECT FROM counters WHERE name = $1 FOR UPDATE", name)
    try:
        yield
    finally:
        await transaction.rollback()
        await connection.close()


async def under_way(tried: Trial) -> None:
    """Until the writer has taken a batch."""
    while not tried.writer.batch:  # noqa: ASYNC110 - nobody can set an event
        await asyncio.sleep(0.001)


async def test_who_waits_at_the_same_time_shares_a_commit(database: str) -> None:
    async with trial(database) as tried:
        answers = await asyncio.gather(*(tried.count() for _ in range(500)))
        assert [answer.value for answer in answers] == list(range(1, 501))
        assert tried.commits <= 3
        assert await tried.stored() == 500


async def test_batches_are_bounded(database: str) -> None:
    async with trial(database, BATCH_LIMIT=10) as tried:
        await asyncio.gather(*(tried.count() for _ in range(100)))
        assert tried.commits == 10


async def test_amounts_and_counters_are_kept_apart(database: str) -> None:
    async with trial(database) as tried:
        answers = await asyncio.gather(
            tried.count("b", 5), tried.count("a"), tried.count("b"), tried.count("a", 7)
        )
        assert [answer.value for answer in answers] == [5, 1, 6, 8]


async def test_a_key_in_one_batch_is_counted_once(database: str) -> None:
    async with trial(database) as tried:
        answers = await asyncio.gather(
            tried.count(key="k"),
            tried.count(),
            tried.count(key="k"),
            tried.count(amount=2, key="k"),
            return_exceptions=True,
        )
        assert list(answers[:3]) == [
            Counted(1, False),
            Counted(2, False),
            Counted(1, True),
        ]
        assert isinstance(answers[3], KeyReused)
        assert await tried.stored() == 2


async def test_a_key_in_two_workers_and_after_a_restart_is_counted_once(
    database: str,
) -> None:
    """Seen to fail on keys that are asked for outside the transaction."""
    async with trial(database) as first, trial(database) as second:
        for round_ in range(20):
            key = f"k{round_}"
            answers = await asyncio.gather(first.count(key=key), second.count(key=key))
            assert answers[0].value == answers[1].value == round_ + 1
            assert sorted(answer.replayed for answer in answers) == [False, True]
    async with trial(database) as restarted:
        assert await restarted.count(key="k0") == Counted(1, True)
        assert await restarted.stored() == 20


async def test_two_workers_never_wait_for_each_other(database: str) -> None:
    """Both are stopped in the middle of the same rows, asked for in opposite orders.

    Seen to fail on statements that leave out the order of the names.
    """
    names = [f"c{number:03}" for number in range(100)]
    many = {"NEW_COUNTERS_PER_MINUTE": 100}
    async with trial(database, **many) as first, trial(database, **many) as second:
        await asyncio.gather(*(first.count(name) for name in names))
        async with row_locked(database, names[50]):
            waiting = asyncio.gather(
                *(first.count(name) for name in names),
                *(second.count(name) for name in reversed(names)),
            )
            await until_async(lambda: two_wait_for_locks(database))
        await waiting
        connection = await asyncpg.connect(database)
        assert await connection.fetchval("SELECT min(value) FROM counters") == 3
        await connection.execute("SELECT pg_stat_force_next_flush()")
        deadlocks = await connection.fetchval(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        await connection.close()
    assert deadlocks == 0


async def test_a_full_counter_refuses_only_what_does_not_fit(database: str) -> None:
    most = 1_000_000_000
    async with trial(database) as tried:
        connection = await asyncpg.connect(database)
        await connection.execute(
            "INSERT INTO counters (name, value, base) VALUES ('full', $1, $1)",
            LARGEST_VALUE - most - 1,
        )
        await connection.close()
        answers = await asyncio.gather(
            tried.count("full", most, "one"),
            tried.count("full", most, "two"),
            tried.count("full", 1),
            tried.count("full", 1, "two"),
            tried.count("other"),
            return_exceptions=True,
        )
        assert answers[0] == Counted(LARGEST_VALUE - 1, False)
        assert isinstance(answers[1], CounterFull)
        assert answers[2] == Counted(LARGEST_VALUE, False)
        # The second lost its key, so the fourth was the key's first; it is full by now.
        assert isinstance(answers[3], CounterFull)
        assert answers[4] == Counted(1, False)
        assert await tried.stored("full") == LARGEST_VALUE
        connection = await asyncpg.connect(database)
        keys = await connection.fetch("SELECT key, value FROM idempotency_keys")
        await connection.close()
        assert [tuple(row) for row in keys] == [("one", LARGEST_VALUE - 1)]


async def test_who_leaves_the_queue_is_not_counted(database: str) -> None:
    async with trial(database) as tried:
        async with row_locked(database):
            first = asyncio.create_task(tried.count())
            await under_way(tried)
            leaver = asyncio.create_task(tried.count())
            stayer = asyncio.create_task(tried.count())
            await asyncio.sleep(0)
            leaver.cancel()
        assert (await first).value == 1
        assert (await stayer).value == 2
        assert await tried.stored() == 2


async def test_who_leaves_a_batch_is_counted_with_it(database: str) -> None:
    async with trial(database) as tried:
        async with row_locked(database):
            leaver = asyncio.create_task(tried.count())
            await under_way(tried)
            leaver.cancel()
        assert (await tried.count()).value == 2


async def test_more_than_the_queue_holds_are_refused_at_once(database: str) -> None:
    async with trial(database, QUEUE_LIMIT=5) as tried:
        async with row_locked(database):
            first = asyncio.create_task(tried.count())
            await under_way(tried)
            queued = [asyncio.create_task(tried.count()) for _ in range(5)]
            await asyncio.sleep(0)
            with pytest.raises(DatabaseUnavailable) as refused:
                await tried.count()
            assert refused.value.committed is False
            # Who left makes room.
            queued.pop().cancel()
            await asyncio.sleep(0)
            queued.append(asyncio.create_task(tried.count()))
        assert sorted([(await each).value for each in (first, *queued)]) == [
            *range(1, 7)
        ]


async def test_nobody_waits_longer_than_promised(database: str) -> None:
    async with trial(database, WAIT_SECONDS=1) as tried:
        async with row_locked(database):
            loop = asyncio.get_running_loop()
            began = loop.time()
            answers = await asyncio.gather(
                *(tried.count() for _ in range(3)), return_exceptions=True
            )
            # Not a measurement of speed: the bound is the promise.
            assert loop.time() - began < 2
        unknown = 0
        for answer in answers:
            assert isinstance(answer, DatabaseUnavailable)
            unknown += answer.committed is None
        assert (await tried.count()).value in {1, 1 + unknown}


async def test_a_lock_that_is_let_go_in_time_is_waited_for(database: str) -> None:
    async with trial(database) as tried:
        async with row_locked(database):
            waiting = [asyncio.create_task(tried.count()) for _ in range(3)]
            await under_way(tried)
            # Longer than one statement may wait: it fails, and is tried again.
            while tried.writer.batch:  # noqa: ASYNC110 - nobody can set an event
                await asyncio.sleep(0.01)
        assert [(await each).value for each in waiting] == [1, 2, 3]


async def test_after_the_drain_nobody_is_taken(database: str) -> None:
    async with trial(database) as tried:
        waiting = [asyncio.create_task(tried.count()) for _ in range(50)]
        await asyncio.sleep(0)
        await tried.writer.drain()
        assert all(each.done() for each in waiting)
        with pytest.raises(DatabaseUnavailable):
            await tried.count()
        assert await tried.stored() == 50


async def test_answers_do_not_wait_for_locks_of_the_next_batch(database: str) -> None:
    """Seen to fail where they wait until the next COMMIT is sent."""
    async with trial(database) as tried:
        async with row_locked(database, "b"):
            first = asyncio.create_task(tried.count("a"))
            await under_way(tried)
            second = asyncio.create_task(tried.count("b"))
            assert (await first).value == 1
            assert not second.done()
        assert (await second).value == 1


async def test_readers_get_their_turn_at_the_only_connection(database: str) -> None:
    """Seen to fail on a writer that keeps it while somebody counts."""
    async with trial(database, DB_POOL_SIZE=1, BATCH_LIMIT=1) as tried:
        counting = True

        async def count_on() -> None:
            while counting:
                await tried.count()

        crowd = [asyncio.create_task(count_on()) for _ in range(4)]
        await under_way(tried)
        async with tried.engine.connect() as connection:
            found = await connection.execute(text("SELECT value FROM counters"))
            assert found.scalar_one() > 0
        counting = False
        await asyncio.gather(*crowd)
