import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from quart_chassis.database import migrations
from quart_chassis.errors import UserError
from quart_chassis.testing.postgres import OwnPostgres
from quart_chassis.testing.servers import ROOT
from tests.quart_chassis.migrating import (
    NOTES,
    add_column,
    execute,
    fetch,
    in_checkout,
    migrate_in,
    on,
    revisions_of,
)
from tests.quart_chassis.small_project import PATHS

COLOR = 'Column("color", Text)'
ODD = 'it\'s "odd":\n""" \\ %s %(here)s {x} ${y} ../../../x'


def make(checkout: Path, database: str, message: str) -> Path:
    """The migration that was written."""
    made = in_checkout(checkout, database, "makemigration", message, **PATHS)
    assert made.returncode == 0, made.stderr
    path = made.stdout.removeprefix("Wrote ").partition(";")[0]
    assert Path(path).parent == checkout / "migrations" / "versions"
    return Path(path)


def passes_check(path: Path) -> None:
    """Whether ruff takes a file as it takes ours; it looks at where that one lies."""
    place = str(ROOT / "migrations" / "versions" / path.name)
    for words in (["check"], ["format", "--check"]):
        subprocess.run(
            [sys.executable, "-m", "ruff", *words, "--stdin-filename", place],
            cwd=ROOT,
            input=path.read_bytes(),
            check=True,
        )


def test_a_migration_is_written_from_what_differs(
    checkout: Path, database: str
) -> None:
    add_column(checkout, COLOR)
    written = make(checkout, database, ODD)
    text = written.read_text("utf-8")
    assert "op.add_column" in text
    assert "drop_table" not in text
    compile(text, written.name, "exec")
    # What was written works, forth and back.
    assert migrate_in(checkout, database) == 0
    (revision,) = revisions_of(database)
    assert revision in written.name
    assert migrate_in(checkout, database, "0001") == 0
    assert revisions_of(database) == ["0001"]


@pytest.mark.slow
def test_two_branches_cannot_take_one_revision(checkout: Path, database: str) -> None:
    add_column(checkout, COLOR)
    first = make(checkout, database, "add a color")
    text = first.read_text("utf-8")
    first.unlink()
    second = make(checkout, database, "add a color")
    assert second.name != first.name
    assert second.read_text("utf-8") != text
    # The date comes first, so a listing has them in order.
    assert second.name[:11] == first.name[:11]


@pytest.mark.slow
@pytest.mark.parametrize(
    "message", [ODD, "добавить цвет " * 20, "100 %", "a" * 300, "ends with 'quotes'"]
)
def test_whatever_the_message_says_the_file_passes_check(
    checkout: Path, database: str, message: str
) -> None:
    add_column(checkout, COLOR)
    passes_check(make(checkout, database, message))


@pytest.mark.parametrize("message", ["", "  ", "...", '"""', "\\\n"])
def test_a_message_without_a_word_is_refused(database: str, message: str) -> None:
    with pytest.raises(UserError, match="the message needs a word"):
        asyncio.run(migrations.make_migration(on(database), message))


def test_no_migration_is_written_where_nothing_differs(database: str) -> None:
    assert asyncio.run(migrations.make_migration(on(database), "nothing")) is None


def test_what_others_made_in_the_database_is_left_alone(database: str) -> None:
    execute(database, "CREATE TABLE theirs (id int); CREATE TYPE mood AS ENUM ('ok')")
    execute(database, "CREATE INDEX theirs_too ON notes (text)")
    assert asyncio.run(migrations.make_migration(on(database), "nothing")) is None


EXTENSION = """
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("CREATE TABLE spatial_ref_sys (srid int)")
    op.execute("CREATE TYPE gridded AS ENUM ('yes', 'no')")
    # As `CREATE EXTENSION postgis` does with its own.
    op.execute("ALTER EXTENSION plpgsql ADD TABLE spatial_ref_sys")
    op.execute("ALTER EXTENSION plpgsql ADD TYPE gridded")
"""


def test_what_an_extension_brought_is_left_alone(checkout: Path, database: str) -> None:
    path = checkout / "migrations" / "versions" / "0002_use_an_extension.py"
    path.write_text(EXTENSION)
    made = in_checkout(checkout, database, "makemigration", "more", **PATHS)
    assert made.stdout == "Nothing differs\n", made.stderr


def test_no_database_is_left_behind(own_postgres: OwnPostgres) -> None:
    database = own_postgres.url()
    asyncio.run(migrations.make_migration(on(database), "nothing"))
    left = "SELECT datname FROM pg_database WHERE datname LIKE 'makemigration%'"
    assert fetch(database, left) == []


def test_who_may_make_no_database_is_told(database: str) -> None:
    execute(database, "CREATE ROLE plain LOGIN; GRANT ALL ON SCHEMA public TO plain")
    try:
        execute(database, "GRANT SELECT ON alembic_version TO plain")
        theirs = database.replace("://", "://plain@", 1)
        theirs = theirs.replace(
            database.partition("://")[2].partition("@")[0] + "@", ""
        )
        with pytest.raises(UserError, match="give it CREATEDB"):
            asyncio.run(migrations.make_migration(on(theirs), "nothing"))
    finally:
        execute(database, "DROP OWNED BY plain; DROP ROLE plain")


def test_a_changed_check_is_written_and_what_is_lost_is_told(
    checkout: Path, database: str
) -> None:
    path = checkout / NOTES
    text = path.read_text("utf-8").replace("width > 0", "width > 1")
    text = text.replace('Column("seen_at", DateTime', 'Column("seen", DateTime')
    path.write_text(text, "utf-8")
    add_column(checkout, 'Column("color", Text, nullable=False)')
    made = in_checkout(checkout, database, "makemigration", "more", **PATHS)
    for told in ("it drops shelves.seen_at", "notes.color may not be NULL"):
        assert f"\nMind that {told}" in made.stdout, made.stderr
    written = Path(made.stdout.removeprefix("Wrote ").partition(";")[0])
    statement = "ALTER TABLE shelves ADD CONSTRAINT ck_shelves_width_positive CHECK"
    assert statement in written.read_text("utf-8")


@pytest.mark.parametrize(
    ("before", "after", "written"),
    [
        ("Numeric(8, 2)", "Numeric", "type_=sa.Numeric()"),
        ("Numeric(8, 2)", "Numeric(8)", "type_=sa.Numeric(precision=8)"),
        ("String(40)", "String", "type_=sa.String()"),
        ("String(40)", "String(50)", "type_=sa.String(length=50)"),
    ],
)
def test_a_changed_length_or_precision_is_written(
    checkout: Path, database: str, before: str, after: str, written: str
) -> None:
    path = checkout / NOTES
    path.write_text(path.read_text("utf-8").replace(before, after), "utf-8")
    made = in_checkout(checkout, database, "makemigration", "more", **PATHS)
    file = Path(made.stdout.removeprefix("Wrote ").partition(";")[0])
    assert written in file.read_text("utf-8")
    assert in_checkout(checkout, database, "migrate", **PATHS).returncode == 0
    again = in_checkout(checkout, database, "makemigration", "again", **PATHS)
    assert "Nothing differs" in again.stdout + again.stderr
