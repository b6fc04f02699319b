"""Two branches of the code each add a migration, and are merged."""

from pathlib import Path

import pytest

from quart_chassis.database import revisions
from quart_chassis.errors import UserError
from quart_chassis.project import Project
from tests.quart_chassis.migrating import in_checkout, migrate_in, revisions_of

BRANCH = """\"\"\"Add {column}.\"\"\"

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("notes", sa.Column("{column}", sa.Text()))


def downgrade() -> None:
    op.drop_column("notes", "{column}")
"""
FIRST, SECOND = "1a1a1a1a1a1a", "2b2b2b2b2b2b"


def add_branch(checkout: Path, revision: str, column: str) -> None:
    path = checkout / "migrations" / "versions" / f"2026_11_26_{revision}_{column}.py"
    path.write_text(BRANCH.format(revision=revision, column=column))


def test_two_heads_are_told_and_joined(checkout: Path, database: str) -> None:
    add_branch(checkout, FIRST, "color")
    assert migrate_in(checkout, database) == 0
    add_branch(checkout, SECOND, "size")
    for words in (["migrate"], ["makemigration", "more"], ["run", "--port", "0"]):
        refused = in_checkout(checkout, database, *words)
        assert refused.returncode == 1
        assert f"2 heads, {FIRST} (Add color) and {SECOND} (Add" in refused.stderr
        assert "join them with manage.py mergemigrations\n" in refused.stderr
    joined = in_checkout(checkout, database, "mergemigrations")
    assert joined.returncode == 0, joined.stderr
    # One of the two was run here already.
    assert migrate_in(checkout, database) == 0
    (revision,) = revisions_of(database)
    assert revision in joined.stdout
    again = in_checkout(checkout, database, "mergemigrations")
    assert again.stdout == "There is one head; nothing to join\n"


def test_a_revision_of_another_branch_is_told(checkout: Path, database: str) -> None:
    add_branch(checkout, FIRST, "color")
    assert migrate_in(checkout, database) == 0
    for path in (checkout / "migrations" / "versions").glob("*color*"):
        path.unlink()
    add_branch(checkout, SECOND, "size")
    for words in (["migrate"], ["makemigration", "more"], ["run", "--port", "0"]):
        refused = in_checkout(checkout, database, *words)
        assert refused.returncode == 1
        assert f"revision {FIRST}, which this code does not have" in refused.stderr
    assert revisions_of(database) == [FIRST]


def head_of(checkout: Path) -> str:
    """What the user is told about the migrations."""
    with pytest.raises(UserError) as raised:
        revisions.head(Project.at(checkout))
    return str(raised.value)


def test_one_revision_in_two_files_is_told(checkout: Path) -> None:
    add_branch(checkout, FIRST, "color")
    add_branch(checkout, FIRST, "size")
    told = head_of(checkout)
    names = [f"2026_11_26_{FIRST}_{column}.py" for column in ("color", "size")]
    assert f"{names[0]} and {names[1]} both have the revision {FIRST};" in told


def test_a_missing_migration_is_told(checkout: Path) -> None:
    add_branch(checkout, FIRST, "color")
    path = next((checkout / "migrations" / "versions").glob("0001_*"))
    path.unlink()
    assert "follows revision 0001, which no file in migrations/v" in head_of(checkout)


def test_a_file_that_is_no_migration_is_told(checkout: Path) -> None:
    (checkout / "migrations" / "versions" / "notes.py").write_text("")
    assert "a file in migrations/versions is no migration: " in head_of(checkout)
