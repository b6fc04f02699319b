"""Migrate databases of the small application, and look at what came of it."""

import asyncio
import os
import subprocess
from pathlib import Path

import asyncpg

from quart_chassis.database import migrations
from quart_chassis.features import load_settings
from quart_chassis.postgres import programs
from quart_chassis.project import Project
from quart_chassis.settings import Settings
from quart_chassis.testing.waiting import HANG_SECONDS
from tests.quart_chassis.small_project import SMALL, command

NOTES = Path("small_app/notes_app/tables.py")
# The server ends the connection when it is asked to commit.
ENDS_AT_COMMIT = """
CREATE FUNCTION ends() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER ends AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION ends()
"""


def revisions_of(database: str) -> list[str]:
    """What alembic_version holds."""
    return fetch(database, "SELECT version_num FROM alembic_version ORDER BY 1")


def fetch(database: str, statement: str) -> list[str]:
    """The first column of what a statement returns."""

    async def ask() -> list[str]:
        connection = await asyncpg.connect(database)
        try:
            return [row[0] for row in await connection.fetch(statement)]
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


def on(database: str) -> Settings:
    return load_settings(Project.at(SMALL), DATABASE_URL=database)


def to(database: str, revision: str = "head") -> None:
    asyncio.run(migrations.to_revision(on(database), revision))


def in_checkout(
    checkout: Path, database: str, *words: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """How a command ended that was typed in a checkout of the small application."""
    return subprocess.run(
        command(*words),
        cwd=checkout,
        env={**os.environ, "DATABASE_URL": database, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )


def migrate_in(checkout: Path, database: str, *words: str) -> int:
    """The status that `migrate` ended with."""
    return in_checkout(checkout, database, "migrate", *words).returncode


def add_column(checkout: Path, line: str) -> None:
    """Give the notes another column."""
    path = checkout / NOTES
    text = path.read_text("utf-8")
    path.write_text(
        text.replace(
            '    CheckConstraint("text', f'    {line},\n    CheckConstraint("text'
        ),
        "utf-8",
    )
