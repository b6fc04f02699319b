"""Reads that may go to a standby, on a real one."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager

import asyncpg
import pytest
from small_app.application import create_app
from sqlalchemy import text

from quart_chassis.application import Application
from quart_chassis.database import begin, error_of_driver
from quart_chassis.testing.postgres import OwnPostgres
from quart_chassis.testing.standby import Standby
from quart_chassis.testing.waiting import until_async

LAG_SECONDS = 1
TABLE = "CREATE TABLE IF NOT EXISTS numbers (number bigint PRIMARY KEY)"
LARGEST = text(
    "SELECT pg_is_in_recovery() AS of_standby, max(number) AS number FROM numbers"
)


@pytest.fixture(scope="module")
def primary() -> Iterator[OwnPostgres]:
    with OwnPostgres() as server:
        server.run("psql", "-qXc", TABLE, server.url())
        yield server


@pytest.fixture
def standby(primary: OwnPostgres) -> Iterator[Standby]:
    with Standby(primary) as server:
        yield server


@contextmanager
def frozen(standby: Standby) -> Iterator[None]:
    processes = standby.processes()
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@asynccontextmanager
async def reading(
    primary: OwnPostgres, *standbys: OwnPostgres, **settings: object
) -> AsyncIterator[None]:
    """An application that serves, and knows of these standbys."""
    hosts = ",".join(f"127.0.0.1:{each.port}" for each in standbys)
    url = f"postgresql://app:{primary.password}@{hosts}/app" if standbys else ""
    app: Application = create_app(
        DATABASE_URL=primary.url(),
        REPLICA_URL=url,
        **{"REPLICA_LAG_SECONDS": LAG_SECONDS, **settings},
    )
    async with app.test_app(), app.app_context():
        yield


async def write(number: int) -> None:
    async with begin() as connection:
        insert = text("INSERT INTO numbers VALUES (:number)")
        await connection.execute(insert, {"number": number})


async def read() -> tuple[bool, int]:
    """Whether a standby answered, and the largest number it has."""
    async with begin(read_only=True) as connection:
        row = (await connection.execute(LARGEST)).one()
    return row.of_standby, row.number or 0


async def a_standby_answers() -> bool:
    return (await read())[0]


async def the_primary_answers() -> bool:
    return not (await read())[0]


async def test_reads_go_to_the_standby_and_nothing_else_does(
    primary: OwnPostgres, standby: Standby
) -> None:
    async with reading(primary, standby):
        await until_async(a_standby_answers)
        async with begin() as connection:
            assert not await connection.scalar(text("SELECT pg_is_in_recovery()"))


async def test_a_standby_lacks_nothing_that_is_older_than_the_lag(
    primary: OwnPostgres, standby: Standby
) -> None:
    """Seen to fail where standbys are not asked for their position."""
    committed: list[tuple[float, int]] = []
    reading_is_done = asyncio.Event()

    async def keep_writing() -> None:
        number = 1_000_000
        while not reading_is_done.is_set():
            number += 1
            await write(number)
            committed.append((time.monotonic(), number))
            await asyncio.sleep(0.01)

    async with reading(primary, standby):
        await until_async(a_standby_answers)
        writing = asyncio.create_task(keep_writing())
        standby.sql("SELECT pg_wal_replay_pause()")

        async def the_primary_answers_in_time() -> bool:
            asked = time.monotonic()
            of_standby, number = await read()
            old = [known for at, known in committed if at < asked - LAG_SECONDS]
            assert number >= max(old, default=0)
            return not of_standby

        await until_async(the_primary_answers_in_time)
        standby.sql("SELECT pg_wal_replay_resume()")
        await until_async(a_standby_answers)
        reading_is_done.set()
        await writing


async def test_a_standby_that_is_away_is_left_out_without_an_error(
    primary: OwnPostgres, standby: Standby
) -> None:
    async with reading(primary, standby):
        await until_async(a_standby_answers)
        standby.stop()
        assert await the_primary_answers()
        standby.start()
        await until_async(a_standby_answers)


async def test_a_frozen_standby_is_left_out_without_an_error(
    primary: OwnPostgres, standby: Standby
) -> None:
    async with reading(primary, standby):
        await until_async(a_standby_answers)
        with frozen(standby):
            assert await the_primary_answers()
        await until_async(a_standby_answers)


async def test_callers_who_wait_briefly_get_an_answer_while_a_standby_is_frozen(
    primary: OwnPostgres, standby: Standby
) -> None:
    """Though all that is open leads to it."""
    async with reading(primary, standby, WAIT_SECONDS=1, REPLICA_LAG_SECONDS=10):
        await until_async(a_standby_answers)
        await asyncio.gather(*(read() for _ in range(5)))
        with frozen(standby):
            answers = await asyncio.gather(*(read() for _ in range(5)))
    assert [of_standby for of_standby, _ in answers] == [False] * 5


@pytest.mark.parametrize("trouble", ["frozen", "behind"])
async def test_another_standby_answers_for_one_in_trouble(
    primary: OwnPostgres, standby: Standby, trouble: str
) -> None:
    with Standby(primary) as other, ExitStack() as troubled:
        async with reading(primary, standby, other):
            await until_async(a_standby_answers)
            if trouble == "frozen":
                troubled.enter_context(frozen(standby))
            else:
                standby.sql("SELECT pg_wal_replay_pause()")
                await write(time.monotonic_ns())
                await until_async(the_primary_answers)
            await until_async(a_standby_answers)
            troubled.close()


async def test_standbys_whose_connections_are_all_in_use_are_not_away(
    primary: OwnPostgres, standby: Standby
) -> None:
    async with reading(primary, standby, DB_POOL_SIZE=1):
        await until_async(a_standby_answers)
        async with begin(read_only=True) as connection:
            assert await connection.scalar(text("SELECT pg_is_in_recovery()"))
            assert await the_primary_answers()
        assert await a_standby_answers()


async def test_a_standby_in_the_place_of_one_that_is_away(
    primary: OwnPostgres, standby: Standby
) -> None:
    with Standby(primary) as other:
        async with reading(primary, standby, other):
            await until_async(a_standby_answers)
            standby.stop()
            await until_async(a_standby_answers)


async def test_a_standby_that_was_promoted_goes_on(
    primary: OwnPostgres, standby: Standby
) -> None:
    """It has all of the primary's log until then."""
    async with reading(primary, standby):
        await until_async(a_standby_answers)
        standby.sql("SELECT pg_promote()")
        for _ in range(3):
            await read()


@pytest.mark.parametrize("with_standby", [False, True])
async def test_nothing_is_written_in_what_only_reads(
    primary: OwnPostgres, standby: Standby, with_standby: bool
) -> None:
    """So that who has no standbys sees what would fail where there are some."""
    async with reading(primary, *[standby] * with_standby):
        if with_standby:
            await until_async(a_standby_answers)
        with pytest.raises(Exception, match="read-only transaction") as caught:
            async with begin(read_only=True) as connection:
                await connection.execute(text("INSERT INTO numbers VALUES (1)"))
        error = error_of_driver(caught.value)
        assert isinstance(error, asyncpg.ReadOnlySQLTransactionError)
        # Its connection has no such bounds for the next one.
        await write(time.monotonic_ns())
