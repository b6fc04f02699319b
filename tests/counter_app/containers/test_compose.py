"""Counts outlive containers, and a backup brings them back."""

import re
from collections.abc import Callable

import pytest

from quart_chassis.testing.compose import PRODUCTION, SECRETS, Compose

pytestmark = pytest.mark.slow


def visit(project: Compose) -> int:
    """The number after one more visit."""
    (number,) = re.findall(r"Counter: (\d+)", project.get("/").text)
    return int(number)


def test_up_counts_and_a_second_up_goes_on_counting(
    compose: Callable[..., Compose],
) -> None:
    project = compose()
    project.up()
    assert visit(project) == 1
    assert "DB_HOST: db" in project.get("/app-settings").text
    assert project.run("down").returncode == 0
    project.up()
    assert visit(project) == 2


def test_a_backup_is_restored_as_documented(compose: Callable[..., Compose]) -> None:
    project = compose(*PRODUCTION, **SECRETS)
    project.up()
    assert [visit(project) for _ in range(3)] == [1, 2, 3]
    in_db = ("exec", "-T", "db")
    user, database = map(project.variable, ("POSTGRES_USER", "POSTGRES_DB"))
    psql = ["psql", "-U", user, database]
    dump = project.pipe(*in_db, *["pg_dump", "-U", user, "-Fc", database])
    assert visit(project) == 4
    # A newer schema, from which a bad release is taken back.
    project.pipe(*in_db, *psql, "-c", "CREATE TABLE newer ()")
    assert project.run("stop", "web").returncode == 0
    project.pipe(*in_db, *["dropdb", "-U", user, "--force", database])
    project.pipe(*in_db, *["createdb", "-U", user, database])
    restore = ["pg_restore", "-U", user, "-d", database, "--single-transaction"]
    project.pipe(*in_db, *restore, given=dump)
    assert project.run("run", "--rm", "migrate").returncode == 0
    project.up()
    assert visit(project) == 4
    tables = project.pipe(*in_db, *psql, "-Atc", "\\dt")
    assert b"newer" not in tables
