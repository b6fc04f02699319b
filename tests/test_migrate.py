import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import create_async_engine

from my_app import UserError, migrate, programs, settings
from my_app.db import metadata
from tests.servers import ROOT, manage
from tests.waiting import HANG_SECONDS


def revision_of(database: str) -> str | None:
    async def ask() -> str | None:
        connection = await asyncpg.connect(database)
        try:
            found: str | None = await connection.fetchval(
                "SELECT version_num FROM alembic_version"
            )
            return found
        finally:
            await connection.close()

    return asyncio.run(ask())


def execute(database: str, statement: str) -> None:
    async def ask() -> None:
        connection = await asyncpg.connect(database)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(ask())


def schema_of(database: str) -> str:
    dumped = subprocess.run(
        [programs.find() / "pg_dump", "--schema-only", "--no-owner", database],
        check=True,
        capture_output=True,
        text=True,
    )
    # A dump has a random token in it, so that nothing in it can be a command.
    lines = dumped.stdout.splitlines()
    return "\n".join(
        line for line in lines if line and not line.startswith(("\\", "--"))
    )


def to(database: str, revision: str = "head") -> None:
    chosen = settings.load(DATABASE_URL=database)
    asyncio.run(migrate.to_revision(chosen, revision))


def test_tables_and_migrations_agree(database: str, empty_database: str) -> None:
    address = empty_database.replace("postgresql://", "postgresql+asyncpg://")

    async def create() -> None:
        engine = create_async_engine(address)
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        await engine.dispose()

    asyncio.run(create())
    execute(database, "DROP TABLE alembic_version")
    assert "fillfactor" in schema_of(database)
    assert schema_of(database) == schema_of(empty_database)


def test_up_down_and_up_again_leads_to_the_same_schema(empty_database: str) -> None:
    to(empty_database)
    head = schema_of(empty_database)
    to(empty_database, "base")
    assert "counters" not in schema_of(empty_database)
    to(empty_database, "+1")
    to(empty_database, "-1")
    to(empty_database, "0001")
    assert schema_of(empty_database) == head
    assert revision_of(empty_database) == "0001"


@pytest.mark.parametrize("number", [3, pytest.param(8, marks=pytest.mark.slow)])
def test_all_who_migrate_an_empty_database_at_once_succeed(
    empty_database: str, number: int
) -> None:
    processes = [
        subprocess.Popen(
            manage("migrate"),
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": empty_database},
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(number)
    ]
    logs = [process.communicate(timeout=HANG_SECONDS)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * number, logs
    assert "".join(logs).count("Running upgrade") == 1
    assert revision_of(empty_database) == "0001"


def test_nothing_is_waited_for_at_head(database: str) -> None:
    async def migrate_while_locked() -> None:
        connection = await asyncpg.connect(database)
        await connection.execute(f"SELECT pg_advisory_lock({migrate.LOCK})")
        async with asyncio.timeout(HANG_SECONDS):
            await migrate.to_revision(settings.load(DATABASE_URL=database))
        await connection.close()

    asyncio.run(migrate_while_locked())


def test_a_newer_schema_is_refused_with_the_remedy(database: str) -> None:
    execute(database, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UserError, match=r"revision 9999, .*resetdb"):
        to(database)


def test_an_unknown_revision_is_refused(database: str) -> None:
    with pytest.raises(UserError, match="cannot be migrated"):
        to(database, "7777")


def test_a_table_in_use_is_not_waited_for_long(database: str) -> None:
    async def downgrade_while_used() -> None:
        connection = await asyncpg.connect(database)
        async with connection.transaction():
            await connection.execute("SELECT FROM counters")
            chosen = settings.load(DATABASE_URL=database)
            with pytest.raises(UserError, match=r"another transaction .*try again"):
                await migrate.to_revision(chosen, "base")
        await connection.close()

    asyncio.run(downgrade_while_used())
    assert revision_of(database) == "0001"


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://u:s3cret@127.0.0.1:1/app", "the database at 127.0.0.1:1 does"),
        ("postgresql://u:s3cret@no-such-host.invalid/app", "DATABASE_URL or DB_HOST"),
    ],
)
def test_an_unreachable_database_is_told(url: str, told: str) -> None:
    with pytest.raises(UserError, match=told) as raised:
        to(url)
    assert "s3cret" not in str(raised.value)


def test_a_missing_database_is_told(database: str) -> None:
    with pytest.raises(UserError, match="createdb"):
        to(database.replace("/test_", "/absent_"))


def test_a_migration_is_written_from_what_differs(
    checkout: Path, database: str, new_database: Callable[..., str]
) -> None:
    def make(message: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "my_app.cli", "makemigration", message],
            cwd=checkout,
            env={**os.environ, "DATABASE_URL": database},
            capture_output=True,
            text=True,
            check=False,
        )

    tables = checkout / "my_app" / "counter_app" / "tables.py"
    tables.write_text(
        tables.read_text().replace(
            '    CheckConstraint("value',
            '    Column("color", Text),\n    CheckConstraint("value',
        )
    )
    made = make("add a color")
    assert made.returncode == 0, made.stderr
    written = checkout / "migrations" / "versions" / "0002_add_a_color.py"
    assert str(written) in made.stdout
    text = written.read_text()
    assert 'revision: str = "0002"' in text
    assert "op.add_column" in text
    assert "drop_table" not in text
    again = make("again")
    assert again.returncode == 1
    assert "run manage.py migrate first" in again.stderr
    # What was written works, forth and back.
    assert migrate_in(checkout, database) == 0
    assert revision_of(database) == "0002"
    assert migrate_in(checkout, database, "0001") == 0
    assert revision_of(database) == "0001"


CONCURRENTLY = """
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_counters_value", "counters", ["value"], postgresql_concurrently=True
        )
"""


@pytest.mark.slow
def test_an_index_is_made_concurrently_while_others_wait(
    checkout: Path, database: str
) -> None:
    """Seen to fail, by waiting for ever, where who holds the lock has a snapshot."""
    versions = checkout / "migrations" / "versions"
    (versions / "0002_add_an_index.py").write_text(CONCURRENTLY)
    with ThreadPoolExecutor() as pool:
        statuses = [pool.submit(migrate_in, checkout, database) for _ in range(3)]
    assert [status.result() for status in statuses] == [0, 0, 0]
    assert revision_of(database) == "0002"


def test_no_migration_is_written_where_nothing_differs(database: str) -> None:
    chosen = settings.load(DATABASE_URL=database)
    assert asyncio.run(migrate.make_migration(chosen, "nothing")) is None


def migrate_in(checkout: Path, database: str, *words: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "my_app.cli", "migrate", *words],
        cwd=checkout,
        env={**os.environ, "DATABASE_URL": database},
        check=False,
        timeout=HANG_SECONDS,
    ).returncode


def test_a_migration_that_postgresql_refuses_is_told(database: str) -> None:
    execute(database, "DROP TABLE idempotency_keys")
    with pytest.raises(UserError, match="PostgreSQL refused: UndefinedTable") as raised:
        to(database, "base")
    assert "\n" not in str(raised.value)


def test_alembic_alone_is_sent_to_the_command_that_takes_the_lock() -> None:
    config = Config(toml_file=ROOT / "pyproject.toml")
    with pytest.raises(UserError, match=r"manage\.py migrate"):
        command.upgrade(config, "head")


def test_an_older_schema_is_told(empty_database: str) -> None:
    chosen = settings.load(DATABASE_URL=empty_database)
    with pytest.raises(UserError, match="revision base, which is older"):
        asyncio.run(migrate.check_schema(chosen))
