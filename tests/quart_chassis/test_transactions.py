"""What holds for every transaction, whoever begins it."""

import asyncio
import re
from collections.abc import AsyncIterator

import asyncpg
import pytest
from small_app.application import create_app
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from quart_chassis.application import Application
from quart_chassis.database import DatabaseUnavailable, begin, remedy, wait_seconds
from quart_chassis.settings import Settings
from quart_chassis.testing.postgres import OwnPostgres
from tests.quart_chassis.migrating import ENDS_AT_COMMIT
from tests.quart_chassis.small_project import run


@pytest.fixture
async def serving(app: Application) -> AsyncIterator[Application]:
    async with app.test_app():
        async with app.app_context():
            yield app


async def ask(statement: str) -> object:
    async with begin() as connection:
        answer: object = (await connection.execute(text(statement))).scalar()
        return answer


async def test_a_block_that_is_left_has_committed(
    serving: Application, database: str
) -> None:
    async with begin() as connection:
        await connection.execute(text("INSERT INTO notes (text) VALUES ('a')"))
    other = await asyncpg.connect(database)
    assert await other.fetchval("SELECT text FROM notes") == "a"
    await other.close()


async def test_a_block_that_raises_has_rolled_back(serving: Application) -> None:
    with pytest.raises(ZeroDivisionError):
        async with begin() as connection:
            await connection.execute(text("INSERT INTO notes (text) VALUES ('a')"))
            raise ZeroDivisionError
    assert await ask("SELECT count(*) FROM notes") == 0


async def test_a_table_that_changed_is_unavailable_for_one_attempt(
    serving: Application, database: str
) -> None:
    rows = "SELECT * FROM notes"
    async with begin() as connection:
        await connection.execute(text(rows))
    other = await asyncpg.connect(database)
    await other.execute("ALTER TABLE notes ADD COLUMN color text")
    await other.close()
    with pytest.raises(DatabaseUnavailable) as raised:
        await ask(rows)
    assert raised.value.committed is False
    assert await ask(rows) is None


async def test_time_limits_hold_each_other_up(serving: Application) -> None:
    names = ("idle_in_transaction_session_timeout", "lock_timeout", "statement_timeout")
    limits = [
        await ask(f"SELECT setting::int FROM pg_settings WHERE name = '{name}'")
        for name in names
    ]
    assert limits == [900, 1500, 3000]
    idle, lock, statement = 900, 1500, 3000
    assert idle < lock < statement
    assert idle + lock + statement < wait_seconds() * 1000


@pytest.mark.parametrize("pooler", [True, False])
async def test_limits_and_durability_end_with_the_transaction(
    database: str, pooler: bool
) -> None:
    connection = await asyncpg.connect(database)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    await connection.execute(
        f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'"
    )
    await connection.close()
    app = create_app(DATABASE_URL=database, DB_POOLER=pooler, DB_POOL_SIZE=1)
    async with app.test_app(), app.app_context():
        assert await ask("SHOW synchronous_commit") == "on"
        assert await ask("SHOW transaction_isolation") == "read committed"
        async with app.engine.connect() as pooled:
            raw = (await pooled.get_raw_connection()).driver_connection
            assert raw is not None
            assert await raw.fetchval("SHOW synchronous_commit") == "off"
            assert await raw.fetchval("SHOW statement_timeout") == "0"


async def test_a_wrong_statement_is_not_called_an_absence(serving: Application) -> None:
    with pytest.raises(ProgrammingError):
        await ask("SELECT nonsense")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100'; END $$",
        "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$",
        "SET LOCAL statement_timeout = 10; SELECT pg_sleep(5)",
    ],
)
async def test_what_the_database_cannot_do_now_is_called_an_absence(
    serving: Application, statement: str
) -> None:
    with pytest.raises(DatabaseUnavailable) as raised:
        async with begin() as connection:
            for part in statement.split("; ") if "SET" in statement else [statement]:
                await connection.execute(text(part))
    assert raised.value.committed is False
    assert await ask("SELECT 1") == 1


async def test_a_commit_that_was_not_sent_has_not_committed(
    serving: Application,
) -> None:
    with pytest.raises(DatabaseUnavailable) as raised:
        async with begin() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            await connection.execute(text("INSERT INTO notes (text) VALUES ('a')"))
            raw.terminate()
    assert raised.value.committed is False


async def test_a_commit_that_fails_may_have_committed(
    serving: Application, database: str
) -> None:
    other = await asyncpg.connect(database)
    await other.execute(ENDS_AT_COMMIT)
    await other.close()
    with pytest.raises(DatabaseUnavailable) as raised:
        async with begin() as connection:
            await connection.execute(text("INSERT INTO notes (text) VALUES ('a')"))
    assert raised.value.committed is None


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(2, "No such file", "report.txt"),
        PermissionError(13, "Permission denied", "report.txt"),
        OSError(28, "No space left on device"),
        ConnectionRefusedError(111, "Connection refused"),
        TimeoutError(),
    ],
)
async def test_an_error_that_is_not_the_databases_is_not_called_its_absence(
    serving: Application, error: OSError
) -> None:
    """A file could not be written, or another host was not there."""
    with pytest.raises(type(error)) as raised:
        async with begin() as connection:
            await connection.execute(text("INSERT INTO notes (text) VALUES ('a')"))
            raise error
    assert raised.value is error
    assert await ask("SELECT count(*) FROM notes") == 0


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("42501", "GRANT CREATE ON SCHEMA public"),
        ("53100", "make room on the disk"),
        ("53300", "lower WORKERS or DB_POOL_SIZE"),
        ("25006", "target_session_attrs=read-write"),
        ("57014", "a statement took too long"),
    ],
)
async def test_the_remedy_fits_the_cause(
    serving: Application, code: str, told: str
) -> None:
    with pytest.raises(DatabaseUnavailable) as raised:
        await ask(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{code}'; END $$")
    assert told in remedy(raised.value, serving.settings(Settings))


async def test_a_host_that_nobody_knows_is_told_as_such(database: str) -> None:
    app = create_app(DB_HOST="no.such.host.invalid")
    async with app.test_app(), app.app_context():
        with pytest.raises(DatabaseUnavailable) as raised:
            await ask("SELECT 1")
        assert "no such host is known" in remedy(raised.value, app.settings(Settings))


@pytest.mark.parametrize(
    ("url", "variables", "told"),
    [
        ("{}?sslmode=require", {}, "correct sslmode in DATABASE_URL"),
        ("{}?target_session_attrs=standby", {}, "name all hosts in DATABASE_URL"),
        (
            "{}",
            {"PGSSLMODE": "x"},
            "or in the PG\\* variable that says",
        ),
        (
            "postgresql://u:p@h/app",
            {"PGPORT": "abc"},
            "or in the PG\\* variable that says",
        ),
    ],
)
def test_what_no_server_can_meet_is_told_as_such(
    own_postgres: OwnPostgres, url: str, variables: dict[str, str], told: str
) -> None:
    """It was blamed on a server that does not run."""
    given = url.format(own_postgres.url())
    ended = run("migrate", DATABASE_URL=given, **variables)
    assert ended.returncode == 1
    assert re.fullmatch(f".*{told}.*\n", ended.stderr)


async def test_a_pool_in_use_is_waited_for_no_longer_than_asked(
    database: str,
) -> None:
    app = create_app(DATABASE_URL=database, DB_POOL_SIZE=1)
    async with app.test_app(), app.app_context():
        async with begin():
            with pytest.raises(DatabaseUnavailable) as raised:
                async with begin(seconds=0.05):
                    raise AssertionError
    assert raised.value.committed is False


async def test_the_pool_is_bounded(database: str) -> None:
    app = create_app(DATABASE_URL=database, DB_POOL_SIZE=2)
    async with app.test_app(), app.app_context():

        async def count() -> int:
            async with begin() as connection:
                await connection.execute(text("SELECT pg_sleep(0.01)"))
                found = await connection.execute(
                    text(
                        "SELECT count(*) FROM pg_stat_activity "
                        "WHERE datname = current_database()"
                    )
                )
                number: int = found.scalar_one()
                return number

        counts = await asyncio.gather(*(count() for _ in range(20)))
    assert max(counts) == 2
