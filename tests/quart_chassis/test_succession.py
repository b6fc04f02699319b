"""Transactions one after another, on a connection that says what it was sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from sqlalchemy import Integer, bindparam, literal, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from quart_chassis.application import Application
from quart_chassis.database import Statement, Succession, in_succession

WRITE = Statement(text("INSERT INTO notes (text) VALUES ('a')"))
COUNT = "SELECT count(*) FROM notes"


@pytest.fixture
async def engine(app: Application) -> AsyncIterator[AsyncEngine]:
    async with app.test_app():
        yield app.engine


@dataclass
class Sent:
    """What begins and ends transactions, by the verbs of each message."""

    messages: list[str] = field(default_factory=list)

    def hear(self, query: Any) -> None:
        statements = query.query.split(";")
        verbs = [each.split()[0] for each in statements if each.strip()]
        if verbs != ["INSERT"]:
            self.messages.append(" ".join(each for each in verbs if each != "SELECT"))


@asynccontextmanager
async def heard(engine: AsyncEngine) -> AsyncIterator[tuple[Succession, Sent]]:
    sent = Sent()
    async with in_succession(engine) as transactions:
        with transactions.raw.query_logger(sent.hear):
            yield transactions, sent


async def write(transactions: Succession, *, goes_on: bool) -> None:
    await transactions.begin()
    await transactions.fetch(WRITE)
    await transactions.commit(goes_on=goes_on)


async def test_a_commit_begins_the_next_transaction_in_the_same_message(
    engine: AsyncEngine, database: str
) -> None:
    other = await asyncpg.connect(database)
    async with heard(engine) as (transactions, sent):
        for number, goes_on in enumerate([True, True, False, False], start=1):
            await write(transactions, goes_on=goes_on)
            assert await other.fetchval("SELECT count(*) FROM notes") == number
    await other.close()
    assert sent.messages == [
        *("BEGIN", "COMMIT BEGIN", "COMMIT BEGIN", "COMMIT", "BEGIN", "COMMIT")
    ]


async def test_each_transaction_has_the_limits(engine: AsyncEngine) -> None:
    limit = Statement(text("SELECT current_setting('lock_timeout')"))
    found = []
    async with in_succession(engine) as transactions:
        for _ in range(2):
            await transactions.begin()
            found += [value for (value,) in await transactions.fetch(limit)]
            await transactions.commit(goes_on=True)
    assert found == ["1500ms"] * 2


async def test_no_transaction_is_left_open(engine: AsyncEngine, database: str) -> None:
    async with in_succession(engine) as transactions:
        await write(transactions, goes_on=True)
        process = transactions.raw.get_server_pid()
    other = await asyncpg.connect(database)
    state = "SELECT state FROM pg_stat_activity WHERE pid = $1"
    assert await other.fetchval(state, process) == "idle"
    await other.close()
    # And the connection is as good as before.
    async with engine.begin() as connection:
        driver = (await connection.get_raw_connection()).driver_connection
        assert driver is not None
        assert driver.get_server_pid() == process


async def test_after_an_error_the_connection_is_not_used_again(
    engine: AsyncEngine, database: str
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with in_succession(engine) as transactions:
            raw = transactions.raw
            await write(transactions, goes_on=True)
            await transactions.begin()
            await transactions.fetch(WRITE)
            raise ZeroDivisionError
    assert raw.is_closed()
    other = await asyncpg.connect(database)
    assert await other.fetchval("SELECT count(*) FROM notes") == 1
    await other.close()


async def test_a_commit_that_fails_begins_nothing(engine: AsyncEngine) -> None:
    deferred = text(
        "CREATE TEMPORARY TABLE once (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)"
    )
    insert = Statement(text("INSERT INTO once VALUES (:a)").bindparams(a=1))
    with pytest.raises(asyncpg.UniqueViolationError, match="once"):
        async with in_succession(engine) as transactions:
            await transactions.begin()
            await transactions.fetch(Statement(deferred))
            await transactions.fetch(insert)
            await transactions.fetch(insert)
            raw = transactions.raw
            await transactions.commit(goes_on=True)
    assert raw.is_closed()


async def test_a_statement_takes_what_is_given_and_its_own_constants(
    engine: AsyncEngine,
) -> None:
    columns: Any = (literal(2) + bindparam("more", type_=Integer), bindparam("more"))
    async with in_succession(engine) as transactions:
        await transactions.begin()
        rows = await transactions.fetch(Statement(select(*columns)), more=3)
        await transactions.commit(goes_on=False)
    assert [tuple(row) for row in rows] == [(5, 3)]


@pytest.mark.parametrize("given", [{}, {"more": 3, "less": 1}, {"less": 1}])
async def test_a_statement_takes_no_more_and_no_less_than_it_wants(
    engine: AsyncEngine, given: dict[str, int]
) -> None:
    statement = Statement(select(bindparam("more", type_=Integer)))
    with pytest.raises(TypeError, match=r"wanted \{'more'\}"):
        async with in_succession(engine) as transactions:
            await transactions.fetch(statement, **given)


async def test_the_pool_learns_of_a_full_disk_and_of_a_server_that_does_not_answer(
    app: Application, engine: AsyncEngine
) -> None:
    async with engine.connect() as connection:
        other = (await connection.get_raw_connection()).driver_connection
        for error in (asyncpg.DiskFullError("no space"), TimeoutError()):
            with pytest.raises(type(error)):
                async with in_succession(engine):
                    raise error
    assert app.extensions["disk"].is_full
    assert other is not None
    # What was opened before is not trusted either.
    async with engine.connect(), engine.connect():
        assert other.is_closed()
