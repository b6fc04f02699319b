"""A development database made by an older PostgreSQL goes on with the newer one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from quart_chassis.errors import UserError
from quart_chassis.installation import keeping
from quart_chassis.postgres import carrying, embedded, programs
from quart_chassis.postgres.cluster import Cluster
from quart_chassis.testing.postgres import lend_programs, scratch, server_programs
from quart_chassis.testing.waiting import until
from tests.quart_chassis.asking import ask, said
from tests.quart_chassis.test_embedded import is_alive

INSTALLED = [Path(f"/usr/lib/postgresql/{version}/bin") for version in (15, 16)]
OLDER = next((path for path in INSTALLED if path.exists()), None)
VALUE = "it's \\ ü \n\t NULL"


@pytest.fixture
def old() -> Iterator[Cluster]:
    """The cluster of an older version with some data, stopped; in its own folder."""
    if OLDER is None:
        pytest.skip("needs the programs of PostgreSQL 15 or 16")
    folder = scratch() / f"carrying {os.getpid()}"
    lend_programs(folder)
    cluster = Cluster(folder / "cluster", OLDER, server_programs()[1])
    statements = f"""CREATE ROLE reader; CREATE DATABASE app; \\c app
        CREATE TYPE mood AS ENUM ('well');
        CREATE TABLE kept (id bigint GENERATED ALWAYS AS IDENTITY, text text, m mood);
        INSERT INTO kept (text, m) VALUES (E'{VALUE.replace("'", "''")}', 'well');
        ALTER TABLE kept ALTER text SET (n_distinct = 5);
        GRANT SELECT ON kept TO reader;"""
    write(cluster, statements)
    yield cluster
    if (folder / "door").exists():
        embedded.discard(folder)
    shutil.rmtree(folder, ignore_errors=True)


def write(cluster: Cluster, statements: str) -> None:
    """Run statements in the database `postgres`, by the cluster's own programs."""
    cluster.start()
    psql = ["-X", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-h", str(cluster.folder)]
    command = [str(cluster.binaries / "psql"), *psql]
    subprocess.run(command, input=statements, text=True, check=True)
    cluster.stop()


def test_data_of_an_older_version_are_carried_over_and_kept(old: Cluster) -> None:
    folder = old.folder.parent
    made_by = programs.version(old.binaries)
    told: list[str] = []
    with embedded.serving(folder, "app", told.append):
        assert ask(folder, "SELECT text FROM kept") == VALUE.replace("\\ ", " ")
        assert ask(folder, "SELECT has_table_privilege('reader', 'kept', 'SELECT')")
        options = "SELECT attoptions FROM pg_attribute WHERE attname = 'text' AND "
        assert ask(folder, options + "attrelid = 'kept'::regclass") == ["n_distinct=5"]
        assert ask(folder, "INSERT INTO kept (m) VALUES ('well') RETURNING id") == 2
        assert str(ask(folder, "SHOW server_version")).startswith("18")
    assert [line for line in told if str(made_by) in line] == told
    assert (old.folder / f"data-{made_by}" / "PG_VERSION").exists()
    assert not (folder / carrying.UNFINISHED).exists()
    with embedded.serving(folder, "app", told.append):
        assert ask(folder, "SELECT count(*) FROM kept") == 2
    assert len(told) == 2


def test_data_that_cannot_be_carried_over_stay_as_they_were(old: Cluster) -> None:
    """Newer versions have no adminpack."""
    folder = old.folder.parent
    before = (old.folder / "data" / "PG_VERSION").read_text()
    write(old, "CREATE EXTENSION adminpack")
    with pytest.raises(UserError, match=r"adminpack.*as it was: go back"):
        with embedded.serving(folder, "app", said):
            pass
    assert (old.folder / "data" / "PG_VERSION").read_text() == before
    assert not old.is_running()
    write(old, "DROP EXTENSION adminpack")
    with embedded.serving(folder, "app", said):
        assert ask(folder, "SELECT count(*) FROM kept") == 1


def test_a_crash_between_two_renames_loses_nothing(old: Cluster) -> None:
    folder = old.folder.parent
    with embedded.serving(folder, "app", said):
        pass
    (old.folder / "data").rename(old.folder / carrying.COMPLETE)
    with embedded.serving(folder, "app", said):
        assert ask(folder, "SELECT count(*) FROM kept") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="signals are other things there")
def test_a_kill_while_data_are_carried_over_loses_nothing(old: Cluster) -> None:
    folder = old.folder.parent
    code = (
        "import sys; from pathlib import Path\n"
        "from quart_chassis.postgres import embedded\n"
        "with embedded.serving(Path(sys.argv[1]), 'app', print): pass\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(folder)]) as carrier:
        until((folder / carrying.UNFINISHED / carrying.DUMP).exists)
        carrier.kill()
    left = folder / carrying.UNFINISHED / "data" / "postmaster.pid"
    process = int(left.read_text().split("\n")[0])
    with embedded.serving(folder, "app", said):
        assert ask(folder, "SELECT count(*) FROM kept") == 1
    assert not is_alive(process)


def fake_program(path: Path, says: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="the program is a shell script")
def test_programs_are_kept_before_their_venv_is_deleted(tmp_path: Path) -> None:
    database = tmp_path / ".postgres"
    venv = tmp_path / ".venv"
    packages = venv / "lib" / "python3.11" / "site-packages"
    for name in ("postgres", "pg_dumpall"):
        fake_program(
            packages / keeping.WHEEL / "pginstall14" / "bin" / name,
            f"{name} (PostgreSQL) 14.2",
        )
    (packages / f"{keeping.WHEEL}.libs").mkdir()
    keeping.keep_programs(venv, database)
    assert not database.exists()
    (database / "cluster" / "data").mkdir(parents=True)
    (database / "cluster" / "data" / "PG_VERSION").write_text("14\n")
    keeping.keep_programs(venv, database)
    shutil.rmtree(venv)
    keeping.keep_programs(venv, database)
    found = programs.of_version(database, 14)
    assert found
    assert found.is_relative_to(database)
    assert (found.parents[2] / f"{keeping.WHEEL}.libs").exists()
    keeping.forget_programs(database)
    assert programs.of_version(database, 14) is None
