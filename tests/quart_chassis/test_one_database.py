"""A run of tests that share one database, as they do where tables are sharded."""

import asyncio
import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from quart_chassis.testing.pooler import execute
from quart_chassis.testing.postgres import OwnPostgres

CONFTEST = 'pytest_plugins = ["quart_chassis.testing.plugin"]\n'
TESTS = """
import asyncpg, pytest

@pytest.mark.parametrize("time", [1, 2, 3])
async def test_it_is_empty_and_set_up(app, database, time):
    connection = await asyncpg.connect(database)
    assert await connection.fetchval("SELECT count(*) FROM notes") == 0
    assert await connection.fetchval("SELECT count(*) FROM set_up") == 1
    await connection.execute("INSERT INTO notes (text) VALUES ('a')")
    await connection.close()

def test_two(database, other_database): raise AssertionError
def test_nothing_in_it(empty_database): raise AssertionError
def test_of_a_module(module_database): raise AssertionError
"""


def run(checkout: Path, address: str) -> subprocess.CompletedProcess[str]:
    """How the tests of the small project end on this database."""
    (checkout / "tests").mkdir()
    (checkout / "tests" / "conftest.py").write_text(CONFTEST)
    (checkout / "tests" / "test_it.py").write_text(TESTS)
    setup = checkout / "setup.sql"
    setup.write_text("CREATE TABLE set_up AS SELECT 1; SELECT 1;")
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    options = ["-q", "-n", "2", "-o", "asyncio_mode=auto", "-p", "no:cacheprovider"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=checkout,
        env={
            **kept,
            "TEST_DATABASE_URL": address,
            "TEST_DATABASE_SETUP": str(setup),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def new_database(server: OwnPostgres, name: str) -> str:
    name = f"{name}_{secrets.token_hex(4)}"
    asyncio.run(execute(server.url(), f"CREATE DATABASE {name}"))
    return server.url(name)


def test_tests_share_it_one_after_another(
    checkout: Path, own_postgres: OwnPostgres
) -> None:
    address = new_database(own_postgres, "test")
    asyncio.run(execute(address, "CREATE TABLE left_by_a_run_before (id int)"))
    ran = run(checkout, address)
    assert "3 passed, 3 skipped" in ran.stdout
    assert "needs a database of its own (3)" in ran.stdout


@pytest.mark.parametrize("name", ["shop", "latest"])
def test_what_may_be_somebodys_is_left_as_it_is(
    checkout: Path, own_postgres: OwnPostgres, name: str
) -> None:
    address = new_database(own_postgres, name)
    asyncio.run(execute(address, "CREATE TABLE precious (id int)"))
    ran = run(checkout, address)
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert "whose name has the word test" in ran.stderr + ran.stdout
    asyncio.run(execute(address, "SELECT id FROM precious"))
