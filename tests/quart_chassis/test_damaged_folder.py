"""The development database's folder as people, disks and crashes leave it.

Whatever is wrong, `run` says so in one line with a remedy, and destroys nothing: once
the file is as it was, so is the database.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from quart_chassis.errors import UserError
from quart_chassis.locks import locked
from quart_chassis.postgres import embedded
from quart_chassis.testing.postgres import run_folder, scratch
from tests.quart_chassis.asking import ask, said

AFRESH = "; mend it.*, or move the folder away to start afresh"
BINARY = bytes(range(256))
FOLDER: dict[str, bytes] = {}
GONE = None
# With PostgreSQL's own words.
CANNOT_START = f"cannot start: {{}}.*{AFRESH}"

REFUSED = [
    ("", b"a file", f"Not a directory .*{AFRESH}"),
    ("door", FOLDER, f"Is a directory .*/door.*{AFRESH}"),
    ("users", b"a file", f"exists .*/users.*{AFRESH}"),
    ("cluster", b"a file", "is not only the database's own; move it away"),
    ("cluster", FOLDER, "is not only the database's own; move it away"),
    ("cluster/lock", FOLDER, f"Is a directory .*/lock.*{AFRESH}"),
    ("cluster/server.log", FOLDER, f"Not a directory .*/server.log.*{AFRESH}"),
    ("cluster/data", b"a file", f"Not a directory .*{AFRESH}"),
    ("cluster/data", FOLDER, f"no usable data/PG_VERSION{AFRESH}"),
    ("cluster/data/PG_VERSION", GONE, f"no usable data/PG_VERSION{AFRESH}"),
    ("cluster/data/PG_VERSION", b"", f"no usable data/PG_VERSION{AFRESH}"),
    ("cluster/data/PG_VERSION", BINARY, f"no usable data/PG_VERSION{AFRESH}"),
    ("cluster/data/PG_VERSION", FOLDER, f"no usable data/PG_VERSION{AFRESH}"),
    ("cluster/data/PG_VERSION", b"9.6\n", f"no usable data/PG_VERSION{AFRESH}"),
    ("cluster/data/PG_VERSION", b"99\n", "put the programs of PostgreSQL 99 on PATH"),
    ("cluster/data/postmaster.pid", FOLDER, f"Is a directory .*pid.*{AFRESH}"),
    ("cluster/data/postmaster.opts", FOLDER, CANNOT_START.format("could not")),
    ("cluster/.s.PGSQL.5432.lock", FOLDER, f"Is a directory .*lock.*{AFRESH}"),
    ("cluster/.s.PGSQL.5432", FOLDER, CANNOT_START.format("could not create any Unix")),
    ("cluster/data/postgresql.conf", GONE, CANNOT_START.format("could not access")),
    ("cluster/data/postgresql.conf", BINARY, CANNOT_START.format("configuration file")),
    ("cluster/data/pg_hba.conf", b"", CANNOT_START.format("could not load")),
    (
        "cluster/data/pg_hba.conf",
        b"local all all reject\n",
        f"does not let app be made: pg_hba.conf rejects .*{AFRESH}",
    ),
    ("cluster/data/global", GONE, CANNOT_START.format("could not open file")),
    ("cluster/data/global/pg_control", b"", CANNOT_START.format("could not read file")),
    ("cluster/data/pg_wal", GONE, CANNOT_START.format("required WAL directory")),
    ("cluster/data/pg_xact", GONE, CANNOT_START.format("could not access status")),
    ("cluster/data/base", GONE, f"does not let app be made: .*{AFRESH}"),
    ("cluster/data/recovery.signal", b"", CANNOT_START.format("must specify")),
    ("cluster/data/backup_label", b"junk", CANNOT_START.format("invalid data")),
]
NO_OBSTACLE = [
    ("users/notes.txt", b"a file of somebody's"),
    ("users/folder", FOLDER),
    ("notes.txt", b"a file of somebody's"),
    ("cluster/data/postmaster.pid", b""),
    ("cluster/data/postmaster.pid", BINARY),
    ("cluster/data/postmaster.pid", b"1\n"),
    ("cluster/data/postmaster.pid", b"-1\n"),
    ("cluster/data/postmaster.pid", b"9" * 40),
    ("cluster/.s.PGSQL.5432.lock", BINARY),
    ("cluster/.s.PGSQL.5432", b"a file"),
    ("cluster/data/postgresql.conf", b""),
]
KEPT = "SELECT number FROM kept"


@pytest.fixture(scope="session")
def lived_in(seed: Path) -> Path:
    """A folder whose database has a table."""
    folder = run_folder() / "lived in"
    with locked(run_folder() / "lived-in.lock", lambda: None):
        if not folder.exists():
            subprocess.run(["cp", "-a", seed, folder], check=True)
            serve(folder, "CREATE TABLE kept AS SELECT 7 AS number")
    return folder


@pytest.fixture
def folder(lived_in: Path) -> Iterator[Path]:
    copy = scratch() / f"small app damaged {os.getpid()}"
    subprocess.run(["cp", "-a", lived_in, copy], check=True)
    yield copy
    put(copy, GONE)


def serve(folder: Path, statement: str) -> object:
    """Start the database for one statement; its answer."""
    with embedded.serving(folder, "app", said):
        return ask(folder, statement)


def put(place: Path, what: bytes | dict[str, bytes] | None) -> None:
    """Have this, and nothing else, in the place."""
    owner = next(each for each in place.parents if each.exists()).stat()
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
    if what is None:
        return
    if isinstance(what, bytes):
        place.write_bytes(what)
    else:
        place.mkdir()
    if sys.platform != "win32" and os.geteuid() == 0:
        os.chown(place, owner.st_uid, owner.st_gid)


@pytest.mark.parametrize(("path", "what", "told"), REFUSED)
def test_what_is_wrong_with_the_folder_is_told_and_nothing_destroyed(
    lived_in: Path,
    folder: Path,
    path: str,
    what: bytes | dict[str, bytes] | None,
    told: str,
) -> None:
    place = folder / path
    put(place, what)
    with pytest.raises(UserError, match=told) as raised:
        serve(folder, KEPT)
    assert "\n" not in str(raised.value)
    put(place, GONE)
    if (lived_in / path).exists():
        subprocess.run(["cp", "-a", lived_in / path, place], check=True)
    assert serve(folder, KEPT) == 7


@pytest.mark.parametrize(("path", "what"), NO_OBSTACLE)
def test_what_a_crash_or_a_stranger_left_in_the_folder_is_no_obstacle(
    folder: Path, path: str, what: bytes | dict[str, bytes]
) -> None:
    place = folder / path
    put(place, what)
    assert serve(folder, KEPT) == 7
    if path.endswith((".txt", "/folder")):
        assert place.exists()
