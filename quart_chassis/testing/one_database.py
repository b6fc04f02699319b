"""One database for all tests, where none can be copied: one that Citus shards.

TEST_DATABASE_URL names it, and TEST_DATABASE_SETUP a file of SQL that is run when the
migrations have made the tables. Each test finds the tables empty. Tests that need a
database of another schema, or a second one, are skipped.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import asyncpg
import pytest

from quart_chassis.database import migrations
from quart_chassis.features import load_settings
from quart_chassis.locks import locked
from quart_chassis.project import Project
from quart_chassis.testing.environment import SERVER_URL, SETUP
from quart_chassis.testing.postgres import run_folder

NEEDS_ITS_OWN = "needs a database of its own"


def needs_its_own() -> None:
    """Skip a test where all share one: it changes more than rows."""
    if SETUP:
        pytest.skip(NEEDS_ITS_OWN)


def prepare(project: Project) -> None:
    """Make the tables anew; pytest.UsageError if that could destroy anything."""
    database = urlsplit(SERVER_URL).path.removeprefix("/")
    if not re.search("(^|[_-])tests?([_-]|$)", database):
        raise pytest.UsageError(
            "TEST_DATABASE_SETUP deletes all that is in the database of "
            f"TEST_DATABASE_URL, which is {database or 'not set'}; make one whose name "
            "has the word test, such as shop_test"
        )
    asyncio.run(
        _execute("DROP SCHEMA IF EXISTS public CASCADE", "CREATE SCHEMA public")
    )
    asyncio.run(migrations.to_revision(load_settings(project, DATABASE_URL=SERVER_URL)))
    asyncio.run(_execute(Path(SETUP).read_text("utf-8")))


@contextmanager
def lent(project: Project | None) -> Iterator[Callable[..., str]]:
    """What a test calls for the database's address; its tables are empty.

    Until the test has ended no other one gets it. It is skipped if it asks for another
    template, or again, or if it tests another project: None.
    """
    held: list[IO[bytes]] = []

    def lend(template: str = "") -> str:
        if template or held or project is None:
            pytest.skip(NEEDS_ITS_OWN)
        held.append(locked(run_folder() / "one-database.lock", lambda: None))
        asyncio.run(_execute(f"TRUNCATE {', '.join(project.metadata().tables)}"))
        return SERVER_URL

    try:
        yield lend
    finally:
        for each in held:
            each.close()


async def _execute(*scripts: str) -> None:
    connection = await asyncpg.connect(SERVER_URL)
    try:
        for script in scripts:
            await connection.execute(script)
    finally:
        await connection.close()
