import asyncio
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import create_async_engine

from quart_chassis.database import migrations, turns
from quart_chassis.errors import UserError
from quart_chassis.project import Project
from quart_chassis.testing.waiting import HANG_SECONDS
from tests.quart_chassis.migrating import (
    execute,
    fetch,
    in_checkout,
    migrate_in,
    on,
    revisions_of,
    schema_of,
    to,
)
from tests.quart_chassis.small_project import PATHS, SMALL, command


def test_tables_and_migrations_agree(
    project: Project, database: str, empty_database: str
) -> None:
    address = empty_database.replace("postgresql://", "postgresql+asyncpg://")

    async def create() -> None:
        engine = create_async_engine(address)
        async with engine.begin() as connection:
            await connection.run_sync(project.metadata().create_all)
        await engine.dispose()

    asyncio.run(create())
    execute(database, "DROP TABLE alembic_version")
    assert "ck_notes_text_not_empty" in schema_of(database)
    assert schema_of(database) == schema_of(empty_database)


def test_up_down_and_up_again_leads_to_the_same_schema(empty_database: str) -> None:
    to(empty_database)
    head = schema_of(empty_database)
    to(empty_database, "base")
    assert "notes" not in schema_of(empty_database)
    to(empty_database, "+1")
    to(empty_database, "-1")
    to(empty_database, "0001")
    assert schema_of(empty_database) == head
    assert revisions_of(empty_database) == ["0001"]


@pytest.mark.parametrize("number", [3, pytest.param(8, marks=pytest.mark.slow)])
def test_all_who_migrate_an_empty_database_at_once_succeed(
    empty_database: str, number: int
) -> None:
    processes = [
        subprocess.Popen(
            command("migrate"),
            cwd=SMALL,
            env={**os.environ, **PATHS, "DATABASE_URL": empty_database},
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(number)
    ]
    logs = [process.communicate(timeout=HANG_SECONDS)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * number, logs
    assert "".join(logs).count("Running upgrade") == 1
    assert revisions_of(empty_database) == ["0001"]


def test_nothing_is_waited_for_at_head(database: str) -> None:
    async def migrate_while_locked() -> None:
        connection = await asyncpg.connect(database)
        await connection.execute(f"SELECT pg_advisory_lock({turns.LOCK})")
        async with asyncio.timeout(HANG_SECONDS):
            await migrations.to_revision(on(database))
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
            await connection.execute("SELECT FROM notes")
            with pytest.raises(UserError, match=r"another transaction .*try again"):
                await migrations.to_revision(on(database), "base")
        await connection.close()

    asyncio.run(downgrade_while_used())
    assert revisions_of(database) == ["0001"]


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


CONCURRENTLY = """
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index(
            "ix_notes_text", "notes", ["text"], postgresql_concurrently=True
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
    assert revisions_of(database) == ["0002"]


def test_a_migration_that_postgresql_refuses_is_told(database: str) -> None:
    execute(database, "DROP TABLE notes")
    with pytest.raises(UserError, match="PostgreSQL refused: UndefinedTable") as raised:
        to(database, "base")
    assert "\n" not in str(raised.value)


def test_an_older_schema_is_told(empty_database: str) -> None:
    with pytest.raises(UserError, match="revision base, which is older"):
        asyncio.run(migrations.check_schema(on(empty_database)))


def test_what_would_run_is_printed_and_nothing_runs(empty_database: str) -> None:
    def printed(revision: str) -> str:
        return asyncio.run(migrations.sql_to(on(empty_database), revision))

    forth = printed("head")
    assert "CREATE TABLE notes" in forth
    assert fetch(empty_database, "SELECT to_regclass('notes')") == [None]
    execute(empty_database, forth)
    assert revisions_of(empty_database) == ["0001"]
    assert "DROP TABLE notes" in printed("base")
    assert printed("head") == ""


def test_a_way_back_in_production_is_asked_for(checkout: Path, database: str) -> None:
    production = {"ENV_FOR_DYNACONF": "production", "SECRET_KEY": "k" * 32}
    refused = in_checkout(checkout, database, "migrate", "base", **production)
    assert refused.returncode == 1
    assert "with --yes if it is meant" in refused.stderr
    assert revisions_of(database) == ["0001"]
    meant = in_checkout(checkout, database, "migrate", "base", "--yes", **production)
    assert meant.returncode == 0, meant.stderr
    assert revisions_of(database) == []


@pytest.mark.slow
def test_a_way_on_in_production_is_not_asked_for(
    checkout: Path, empty_database: str
) -> None:
    production = {"ENV_FOR_DYNACONF": "production", "SECRET_KEY": "k" * 32}
    printed = in_checkout(checkout, empty_database, "migrate", "--sql", **production)
    assert "CREATE TABLE notes" in printed.stdout
    migrated = in_checkout(checkout, empty_database, "migrate", **production)
    assert migrated.returncode == 0, migrated.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
@pytest.mark.parametrize(("typed", "status"), [("yes", 1), ("", 1), (None, 0)])
def test_who_is_asked_types_the_databases_name(
    database: str, typed: str | None, status: int
) -> None:
    ours, theirs = os.openpty()
    name = database.rpartition("?")[0].rpartition("/")[2]
    os.write(ours, f"{name if typed is None else typed}\n".encode())
    ran = subprocess.run(
        command("migrate", "-1"),
        cwd=SMALL,
        env={
            **os.environ,
            **PATHS,
            "DATABASE_URL": database,
            "ENV_FOR_DYNACONF": "production",
            "SECRET_KEY": "k" * 32,
        },
        stdin=theirs,
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert ran.returncode == status, ran.stderr
    assert f"Type {name} to do it" in ran.stdout
    assert (revisions_of(database) == []) == (status == 0)
