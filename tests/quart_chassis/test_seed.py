from pathlib import Path

import pytest

from tests.quart_chassis.migrating import fetch, in_checkout
from tests.quart_chassis.small_project import run

PRODUCTION = {"ENV_FOR_DYNACONF": "production", "SECRET_KEY": "k" * 32}
NAMES = "SELECT name FROM shelves"


def test_seeds_are_there_once_however_often_they_run(database: str) -> None:
    for _ in range(2):
        seeded = run("seed", DATABASE_URL=database)
        assert seeded.stdout == "notes_app: seeded\n", seeded.stderr
    assert fetch(database, NAMES) == ["By the door"]


def test_production_is_not_seeded_by_mistake(database: str) -> None:
    refused = run("seed", DATABASE_URL=database, **PRODUCTION)
    assert refused.returncode == 1
    assert "type seed --yes" in refused.stderr
    assert fetch(database, NAMES) == []
    assert run("seed", "--yes", DATABASE_URL=database, **PRODUCTION).returncode == 0


@pytest.mark.slow
def test_seeds_may_take_longer_than_a_request(checkout: Path, database: str) -> None:
    seeds = checkout / "small_app" / "notes_app" / "seeds.py"
    limit = "func.current_setting('statement_timeout')"
    added = f"""
    from sqlalchemy import func
    values = {{"name": {limit}, "width": 1}}
    await connection.execute(insert(shelves).values(values))
"""
    seeds.write_text(seeds.read_text("utf-8") + added, "utf-8")
    seeded = in_checkout(checkout, database, "seed")
    assert seeded.returncode == 0, seeded.stderr
    assert "0" in fetch(database, NAMES)


@pytest.mark.slow
def test_seeds_that_are_refused_are_told_and_none_is_kept(
    checkout: Path, database: str
) -> None:
    seeds = checkout / "small_app" / "notes_app" / "seeds.py"
    text = seeds.read_text("utf-8")
    added = "    await connection.execute(insert(shelves).values(name='x', width=0))\n"
    seeds.write_text(text + added, "utf-8")
    refused = in_checkout(checkout, database, "seed")
    assert refused.returncode == 1
    assert "notes_app failed, and none of them was kept: PostgreSQL" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert fetch(database, NAMES) == []
