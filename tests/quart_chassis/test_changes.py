"""Enum types and CHECK constraints change under rows, forth and back."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations import Operations
from alembic.operations.ops import DowngradeOps, UpgradeOps
from alembic.runtime.migration import MigrationContext
from sqlalchemy import ARRAY, Column, Enum, MetaData, Table, Text, func, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError

from quart_chassis.database import check_constraints, comparing, enums, new_metadata
from quart_chassis.database.engines import make_migration_engine
from quart_chassis.testing.schemas import schema_of
from tests.quart_chassis.migrating import on


def state(*values: str, default: str | None = None, **options: str) -> Column[str]:
    kind = Enum(*values, **{"name": "state", **options})
    return Column("state", kind, server_default=default)


def states(*values: str) -> Column[list[str]]:
    return Column("states", ARRAY(Enum(*values, name="state")), server_default="{}")


def tables(
    *parts: Column[Any] | sa.schema.SchemaItem, schema: str | None = None
) -> MetaData:
    metadata = new_metadata()
    Table("Orders", metadata, Column("text", Text), *parts, schema=schema)
    return metadata


def a_check(
    says: str = "state <> 'sent' OR text IS NOT NULL", name: str = "has_text"
) -> sa.CheckConstraint:
    return sa.CheckConstraint(says, name=name)


def an_index() -> sa.Index:
    return sa.Index("ix_sent", "text", postgresql_where=text("state = 'sent'"))


CHANGES = {
    "a column": (tables(), tables(state("new", "sent", default="new"))),
    "values everywhere": (
        tables(state("new", "sent")),
        tables(state("it's :x", "new", "100% {x}", "sent", "a::b", '"lost"\\')),
    ),
    "a value that is the default": (
        tables(state("new", "sent", default="new")),
        tables(state("new", "sent", "lost", default="lost")),
    ),
    "a value less": (
        tables(state("lost", "new", "sent", default="lost")),
        tables(state("new", "sent", default="new")),
    ),
    "another order": (
        tables(state("sent", "new", default="new")),
        tables(state("new", "sent", default="new")),
    ),
    "an array": (
        tables(states("new", "sent", "lost")),
        tables(states("new", "sent")),
    ),
    "what names a value": (
        tables(state("lost", "new", "sent"), a_check(), an_index()),
        tables(state("new", "sent"), a_check(), an_index()),
    ),
    "a check": (tables(), tables(a_check("text <> ' :x'"))),
    "another check": (
        tables(a_check("length(text) < 9")),
        tables(a_check("length(text) < 99")),
    ),
    "another name": (
        tables(a_check("text <> ''")),
        tables(a_check("text <> ''", "Is not empty")),
    ),
    "a check of a new column": (
        tables(a_check("text <> ''")),
        tables(Column("size", sa.Integer), a_check("size > 0 OR text <> ''")),
    ),
    "a check and the value it names": (
        tables(state("lost", "new", "sent"), a_check("state <> 'lost'")),
        tables(state("new", "sent"), a_check()),
    ),
    "a column more and one less": (
        tables(state("lost", "new", "sent"), states("lost", "new", "sent")),
        tables(
            state("new", "sent"), Column("other", Enum("new", "sent", name="state"))
        ),
    ),
    "a schema and odd names": (
        tables(state("lost", "new", schema="other", name="My state"), schema="other"),
        tables(state("new", schema="other", name="My state"), schema="other"),
    ),
    "no type any more": (tables(state("new", "sent")), tables()),
}


class Migration:
    """What would be written, to be run on this connection."""

    def __init__(self, connection: sa.Connection, metadata: MetaData) -> None:
        options = comparing.options(connection) | {"target_metadata": metadata}
        del options["connection"]
        self._connection = connection
        self._context = MigrationContext.configure(connection, opts=options)
        script = produce_migrations(self._context, metadata)
        assert script.upgrade_ops is not None
        assert script.downgrade_ops is not None
        self.forth, self.back = script.upgrade_ops, script.downgrade_ops
        checks = check_constraints.changes(connection, metadata)
        checks.add_to(connection, self.forth, self.back)
        rewriting = enums.Rewriting(connection, metadata, checks)
        rewriting.rewrite(self.forth, self.back)

    def run(self, operations: UpgradeOps | DowngradeOps) -> None:
        code = render_python_code(operations, migration_context=self._context)
        names = {"op": Operations(self._context), "sa": sa, "postgresql": postgresql}
        exec(f"if True:\n    {code}", names)
        self._connection.commit()


def make(connection: sa.Connection, metadata: MetaData) -> None:
    connection.execute(text("CREATE SCHEMA other"))
    metadata.create_all(connection)
    connection.commit()


async def run(database: str, work: Callable[[sa.Connection], None]) -> None:
    engine = make_migration_engine(on(database))
    async with engine.connect() as connection:
        await connection.run_sync(work)
    await engine.dispose()


@pytest.fixture
def two(new_database: Callable[..., str]) -> tuple[str, str]:
    """The addresses of two fresh databases with nothing in them."""
    return new_database("template0"), new_database("template0")


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_leads_forth_and_back_under_rows(
    two: tuple[str, str], change: str
) -> None:
    before, after = CHANGES[change]
    database, wanted = two
    await run(wanted, lambda connection: make(connection, after))

    def change_it(connection: sa.Connection) -> None:
        make(connection, before)
        begun = schema_of(database)
        (table,) = before.tables.values()
        row = {"text": "a"} | ({"state": "new"} if "state" in table.c else {})
        connection.execute(table.insert().values(**row))
        connection.commit()
        migration = Migration(connection, after)
        migration.run(migration.forth)
        assert schema_of(database) == schema_of(wanted)
        assert Migration(connection, after).forth.is_empty()
        connection.rollback()
        migration.run(migration.back)
        assert schema_of(database) == begun
        assert connection.execute(select(func.count()).select_from(table)).scalar() == 1

    await run(database, change_it)


async def test_a_value_that_rows_have_is_not_removed(empty_database: str) -> None:
    before = tables(state("new", "sent", "lost"))

    def change_it(connection: sa.Connection) -> None:
        make(connection, before)
        (table,) = before.tables.values()
        connection.execute(table.insert().values(state="lost"))
        connection.commit()
        migration = Migration(connection, tables(state("new", "sent")))
        with pytest.raises(DBAPIError, match='for enum state: "lost"'):
            migration.run(migration.forth)

    await run(empty_database, change_it)


async def test_the_order_of_values_is_seen_in_a_schema(
    two: tuple[str, str],
) -> None:
    one, other = two
    await run(one, lambda connection: make(connection, tables(state("a", "b"))))
    await run(other, lambda connection: make(connection, tables(state("b", "a"))))
    assert schema_of(one) != schema_of(other)
