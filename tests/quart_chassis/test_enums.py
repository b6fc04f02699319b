"""A column's enumeration comes, grows, shrinks and goes, with rows in the table."""

from pathlib import Path

import pytest

from tests.quart_chassis.migrating import (
    NOTES,
    add_column,
    execute,
    fetch,
    in_checkout,
    migrate_in,
    revisions_of,
)
from tests.quart_chassis.small_project import PATHS
from tests.quart_chassis.test_makemigration import make, passes_check

pytestmark = pytest.mark.slow

STATE = """Column(
        "state",
        Enum("new", "sent", name="notes_state"),
        nullable=False,
        server_default="new",
    )"""
VALUES = """
    SELECT enumlabel FROM pg_enum JOIN pg_type ON enumtypid = pg_type.oid
    WHERE typname = 'notes_state' ORDER BY enumsortorder
"""


def change(checkout: Path, old: str, new: str) -> None:
    path = checkout / NOTES
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def make_and_run(checkout: Path, database: str, message: str) -> Path:
    written = make(checkout, database, message)
    passes_check(written)
    assert migrate_in(checkout, database) == 0
    return written


@pytest.fixture
def stateful(checkout: Path, database: str) -> Path:
    """The notes have a state, and two rows."""
    execute(database, "INSERT INTO notes (text) VALUES ('old')")
    change(checkout, "from sqlalchemy import (", "from sqlalchemy import (\n    Enum,")
    add_column(checkout, STATE)
    make_and_run(checkout, database, "add a state")
    execute(database, "INSERT INTO notes (text, state) VALUES ('sent', 'sent')")
    return checkout


def test_values_come_and_go_with_rows_in_the_table(
    stateful: Path, database: str
) -> None:
    assert fetch(database, VALUES) == ["new", "sent"]
    change(stateful, '"new", "sent"', '"new", "packed", "sent"')
    make_and_run(stateful, database, "pack them")
    assert fetch(database, VALUES) == ["new", "packed", "sent"]
    again = in_checkout(stateful, database, "makemigration", "again", **PATHS)
    assert again.stdout == "Nothing differs\n"
    states = "SELECT state::text FROM notes ORDER BY 1"
    assert fetch(database, states) == ["new", "sent"]
    assert migrate_in(stateful, database, "-1") == 0
    assert fetch(database, VALUES) == ["new", "sent"]
    assert migrate_in(stateful, database) == 0
    change(stateful, '"new", "packed", "sent"', '"new", "sent"')
    make_and_run(stateful, database, "pack them no more")
    assert fetch(database, VALUES) == ["new", "sent"]
    assert fetch(database, states) == ["new", "sent"]


def test_a_value_in_use_is_not_lost(stateful: Path, database: str) -> None:
    change(stateful, '"new", "sent"', '"new"')
    make(stateful, database, "send them no more")
    before = revisions_of(database)
    assert migrate_in(stateful, database) == 1
    assert revisions_of(database) == before
    assert fetch(database, VALUES) == ["new", "sent"]


def test_the_type_goes_with_its_column(stateful: Path, database: str) -> None:
    change(stateful, STATE + ",\n", "")
    change(stateful, "    Enum,\n", "")
    make_and_run(stateful, database, "drop the state")
    assert fetch(database, VALUES) == []
    assert migrate_in(stateful, database, "-1") == 0
    assert fetch(database, VALUES) == ["new", "sent"]
    assert migrate_in(stateful, database, "0001") == 0
    assert fetch(database, VALUES) == []
