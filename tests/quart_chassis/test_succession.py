"""Transactions one after another, on a connection that says what it was sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from quart_chassis.application import Application
from quart_chassis.database import Succession, in_succession, words_of

WRITE = text("INSERT INTO notes (text) VALUES ('a')")


@pytest.fixture
async def engine(app: Application) -> AsyncIterator[AsyncEngine]:
    async with app.test_app():
        yield app.engine


@dataclass
class Sent:
    """The messages of a succession that are not prepared, by their verbs."""

    messages: list[str] = field(default_factory=list)

    def hear(self, query: Any) -> None:
        statements = query.query.split(";")
        verbs = [each.split()[0] for each in statements if each.strip()]
        self.messages.append(" ".join(each for each in verbs if each != "SELECT"))


async def driver_of(connection: AsyncConnection) -> Any:
    return (await connection.get_raw_connection()).driver_connection


@asynccontextmanager
async def heard(engine: AsyncEngine) -> AsyncIterator[tuple[Succession, Sent]]:
    sent = Sent()
    async with in_succession(engine) as transactions:
        raw = await driver_of(transactions.connection)
        with raw.query_logger(sent.hear):
            yield transactions, sent


async def write(transactions: Succession, *, goes_on: bool) -> None:
    await transactions.begin()
    await transactions.connection.execute(WRITE)
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
    limit = text("SELECT current_setting('lock_timeout')")
    found = []
    async with in_succession(engine) as transactions:
        for _ in range(2):
            await transactions.begin()
            found.append((await transactions.connection.execute(limit)).scalar())
            await transactions.commit(goes_on=True)
    assert found == ["1500ms"] * 2


async def test_no_transaction_is_left_open(engine: AsyncEngine, database: str) -> None:
    async with in_succession(engine) as transactions:
        await write(transactions, goes_on=True)
        process = (await driver_of(transactions.connection)).get_server_pid()
    other = await asyncpg.connect(database)
    state = "SELECT state FROM pg_stat_activity WHERE pid = $1"
    assert await other.fetchval(state, process) == "idle"
    await other.close()
    # And the connection is as good as before.
    async with engine.begin() as connection:
        await connection.execute(WRITE)
        assert (await driver_of(connection)).get_server_pid() == process


async def test_after_an_error_the_connection_is_not_used_again(
    engine: AsyncEngine, database: str
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with in_succession(engine) as transactions:
            raw = await driver_of(transactions.connection)
            await write(transactions, goes_on=True)
            await transactions.begin()
            await transactions.connection.execute(WRITE)
            raise ZeroDivisionError
    assert raw.is_closed()
    other = await asyncpg.connect(database)
    assert await other.fetchval("SELECT count(*) FROM notes") == 1
    await other.close()


async def test_a_commit_that_fails_begins_nothing(engine: AsyncEngine) -> None:
    deferred = text(
        "CREATE TEMPORARY TABLE once (a int UNIQUE DEFERRABLE INITIALLY DEFERRED)"
    )
    with pytest.raises(Exception, match="UniqueViolation") as raised:
        async with in_succession(engine) as transactions:
            await transactions.begin()
            await transactions.connection.execute(deferred)
            await transactions.connection.execute(text("INSERT INTO once VALUES (1)"))
            await transactions.connection.execute(text("INSERT INTO once VALUES (1)"))
            raw = await driver_of(transactions.connection)
            await transactions.commit(goes_on=True)
    assert "once" in words_of(raised.value)
    assert not raw.has_begun


async def test_a_rollback_ends_it(engine: AsyncEngine) -> None:
    async with in_succession(engine) as transactions:
        await write(transactions, goes_on=True)
        await transactions.begin()
        await transactions.connection.execute(WRITE)
        await transactions.connection.rollback()
        await write(transactions, goes_on=False)
    async with engine.connect() as connection:
        found = await connection.execute(text("SELECT count(*) FROM notes"))
        assert found.scalar() == 2
