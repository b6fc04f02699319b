"""Write down in plain SQL how CHECK constraints change, which Alembic does not compare.

PostgreSQL words both sides: those of the schema that the migrations make, and those of
the application's tables, which are made for a moment in schemas of their own.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from alembic.operations.ops import DowngradeOps, ExecuteSQLOp, UpgradeOps
from sqlalchemy import Connection, MetaData, text

CONSTRAINTS = text(
    "SELECT relname, conname, pg_get_constraintdef(pg_constraint.oid) "
    "FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid "
    "JOIN pg_namespace ON pg_namespace.oid = pg_class.relnamespace "
    "WHERE contype = 'c' AND conislocal AND nspname = :schema ORDER BY 1, 2"
)
TABLES = text(
    "SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace "
    "WHERE relkind IN ('r', 'p') AND nspname = :schema"
)
# What SQLAlchemy would take for a parameter.
PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")


class Constraint(NamedTuple):
    """A CHECK constraint; `schema` is None for the default one."""

    schema: str | None
    table: str
    name: str
    definition: str


@dataclass(frozen=True)
class Changes:
    """The constraints that a migration takes away and those that it adds."""

    gone: list[Constraint]
    new: list[Constraint]

    def __bool__(self) -> bool:
        return bool(self.gone or self.new)

    @property
    def names(self) -> set[str]:
        """The names of all of them."""
        return {each.name for each in [*self.gone, *self.new]}

    def add_to(
        self, connection: Connection, forth: UpgradeOps, back: DowngradeOps
    ) -> None:
        """Drop before all other changes, and add after them."""
        quote = connection.dialect.identifier_preparer.quote

        def alter(each: Constraint) -> str:
            names = filter(None, [each.schema, each.table])
            return f"ALTER TABLE {'.'.join(map(quote, names))}"

        def drop(each: Constraint) -> ExecuteSQLOp:
            # A changed enum type may have had to drop it already.
            name = quote(each.name)
            return ExecuteSQLOp(f"{alter(each)} DROP CONSTRAINT IF EXISTS {name}")

        def add(each: Constraint) -> ExecuteSQLOp:
            says = PARAMETER.sub(r"\\:", each.definition)
            name = quote(each.name)
            return ExecuteSQLOp(f"{alter(each)} ADD CONSTRAINT {name} {says}")

        for operations, gone, new in (
            (forth, self.gone, self.new),
            (back, self.new, self.gone),
        ):
            operations.ops[:0] = map(drop, gone)
            operations.ops += map(add, new)


def changes(connection: Connection, metadata: MetaData) -> Changes:
    """What differs in tables that are on both sides.

    `connection` is to a database with the schema that the migrations make. Nothing
    stays there, and no transaction.
    """
    default = connection.dialect.default_schema_name or "public"
    schemas = sorted(_schemas(metadata), key=str)
    found_in = {each: each or default for each in schemas}
    declared_in = {each: f"declared_{n}" for n, each in enumerate(schemas)}
    try:
        _look_in(connection, [*found_in.values(), default])
        found = _read(connection, found_in)
        before = _tables(connection, found_in)
        for scratch in declared_in.values():
            connection.execute(text(f"CREATE SCHEMA {scratch}"))
        # Types of extensions are found in the default schema.
        _look_in(connection, [*declared_in.values(), default])
        connection.execution_options(schema_translate_map=dict(declared_in))
        metadata.create_all(connection, checkfirst=False)
        declared = _read(connection, declared_in)
        both = before & _tables(connection, declared_in)
    finally:
        connection.execution_options(schema_translate_map=None)
        connection.rollback()
    return Changes(
        [each for each in found if each[:2] in both and each not in declared],
        [each for each in declared if each[:2] in both and each not in found],
    )


def _schemas(metadata: MetaData) -> set[str | None]:
    """Where the tables and their types are."""
    tables = metadata.tables.values()
    types = (column.type for table in tables for column in table.columns)
    found: set[str | None] = {getattr(each, "schema", None) for each in types}
    return found | {table.schema for table in tables} | {None}


def _look_in(connection: Connection, schemas: Iterable[str]) -> None:
    quoted = map(connection.dialect.identifier_preparer.quote, schemas)
    connection.execute(text(f"SET LOCAL search_path TO {', '.join(quoted)}"))


def _read(connection: Connection, places: dict[str | None, str]) -> list[Constraint]:
    return [
        Constraint(schema, *row)
        for schema, place in places.items()
        for row in connection.execute(CONSTRAINTS, {"schema": place})
    ]


def _tables(
    connection: Connection, places: dict[str | None, str]
) -> set[tuple[str | None, str]]:
    return {
        (schema, table)
        for schema, place in places.items()
        for table in connection.execute(TABLES, {"schema": place}).scalars()
    }
