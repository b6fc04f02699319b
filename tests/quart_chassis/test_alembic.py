"""Alembic's own program, in the project's folder."""

import os
import subprocess
import sys

import pytest

from tests.quart_chassis.migrating import fetch, revisions_of
from tests.quart_chassis.small_project import PATHS, SMALL


def alembic(database: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "alembic", *words],
        cwd=SMALL,
        env={**os.environ, **PATHS, "DATABASE_URL": database},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_says_where_a_database_is_and_takes_it_elsewhere(
    empty_database: str,
) -> None:
    upgraded = alembic(empty_database, "upgrade", "head")
    assert upgraded.returncode == 0, upgraded.stderr
    assert revisions_of(empty_database) == ["0001"]
    assert alembic(empty_database, "current").stdout == "0001 (head)\n"
    checked = alembic(empty_database, "check")
    assert checked.stdout == "No new upgrade operations detected.\n"


@pytest.mark.slow
def test_it_prints_statements_and_history(empty_database: str) -> None:
    assert "0001 (head)" in alembic(empty_database, "history").stdout
    printed = alembic(empty_database, "upgrade", "head", "--sql")
    assert "CREATE TABLE notes" in printed.stdout
    assert fetch(empty_database, "SELECT to_regclass('notes')") == [None]


@pytest.mark.parametrize(
    ("url", "words", "told"),
    [
        ("postgresql://u:s3cret@127.0.0.1:1/app", ["current"], "does not serve"),
        ("", ["revision", "--autogenerate", "-m", "x"], "manage.py makemigration"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(
    database: str, url: str, words: list[str], told: str
) -> None:
    refused = alembic(url or database, *words)
    assert refused.returncode != 0
    assert told in refused.stdout + refused.stderr
    assert "Traceback" not in refused.stderr
    assert "s3cret" not in refused.stdout + refused.stderr
