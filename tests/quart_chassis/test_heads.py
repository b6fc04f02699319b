"""Two branches of the code each add a migration, and are merged."""

import asyncio
import re
from pathlib import Path

import pytest

from quart_chassis.database import migrations, revisions, writing
from quart_chassis.errors import UserError
from quart_chassis.features import load_settings
from quart_chassis.project import Project
from quart_chassis.settings import Settings
from quart_chassis.testing import policies
from tests.quart_chassis.migrating import in_checkout, revisions_of

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


def settings_of(checkout: Path, database: str) -> Settings:
    """With the migrations that are in the checkout now."""
    revisions.scripts.cache_clear()
    return load_settings(Project.at(checkout), DATABASE_URL=database)


def migrate(checkout: Path, database: str) -> None:
    asyncio.run(migrations.to_revision(settings_of(checkout, database)))


def test_two_heads_are_told_and_joined(checkout: Path, database: str) -> None:
    add_branch(checkout, FIRST, "color")
    migrate(checkout, database)
    add_branch(checkout, SECOND, "size")
    settings = settings_of(checkout, database)
    told = f"2 heads, {FIRST} (Add color) and {SECOND} (Add size); join them with"
    with pytest.raises(UserError, match=re.escape(told)):
        asyncio.run(migrations.make_migration(settings, "more"))
    refused = in_checkout(checkout, database, "run", "--port", "0")
    assert refused.returncode == 1
    assert "join them with manage.py mergemigrations\n" in refused.stderr
    assert (joined := writing.merge(settings.project))
    assert "down_revision: str | tuple[str, ...]" in Path(joined).read_text("utf-8")
    # One of the two was run here already.
    migrate(checkout, database)
    (revision,) = revisions_of(database)
    assert revision in joined
    assert writing.merge(settings.project) is None


async def test_joined_branches_are_held_to_the_policies(
    checkout: Path, empty_database: str
) -> None:
    add_branch(checkout, FIRST, "color")
    add_branch(checkout, SECOND, "size")
    project = Project.at(checkout)
    revisions.scripts.cache_clear()
    assert writing.merge(project)
    await policies.test_each_migration_can_be_undone_and_done_again(
        project, empty_database
    )


def test_a_revision_of_another_branch_is_told(checkout: Path, database: str) -> None:
    add_branch(checkout, FIRST, "color")
    migrate(checkout, database)
    for path in (checkout / "migrations" / "versions").glob("*color*"):
        path.unlink()
    add_branch(checkout, SECOND, "size")
    settings = settings_of(checkout, database)
    told = f"revision {FIRST}, which this code does not have"
    for attempt in (
        migrations.to_revision(settings),
        migrations.make_migration(settings, "more"),
    ):
        with pytest.raises(UserError, match=told):
            asyncio.run(attempt)
    refused = in_checkout(checkout, database, "run", "--port", "0")
    assert refused.returncode == 1
    assert told in refused.stderr
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


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("\ndef (", "notes.py, line 2 cannot be read (SyntaxError: invalid syntax)"),
        ("import nowhere", "notes.py, line 1 cannot be read (ModuleNotFoundError: No"),
    ],
)
def test_a_migration_that_cannot_be_read_is_told(
    checkout: Path, content: str, told: str
) -> None:
    (checkout / "migrations" / "versions" / "notes.py").write_text(content)
    assert told in head_of(checkout)


def test_a_file_that_is_no_migration_is_told(checkout: Path) -> None:
    (checkout / "migrations" / "versions" / "notes.py").write_text("")
    assert "a file in migrations/versions is no migration: " in head_of(checkout)
