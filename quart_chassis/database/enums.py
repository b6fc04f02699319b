"""Write down in plain SQL how the values of enum types change.

alembic-postgresql-enum finds the changes. What it would write about them has no types,
does not quote values, and fails where a default changes too, so it is replaced.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from alembic.operations.ops import DowngradeOps, ExecuteSQLOp, UpgradeOps
from alembic_postgresql_enum.operations.add_enum_values import AddEnumValuesOp
from alembic_postgresql_enum.operations.sync_enum_values import SyncEnumValuesOp
from sqlalchemy import ARRAY, Connection, Enum, MetaData, text
from sqlalchemy.schema import CreateTable

from quart_chassis.database.check_constraints import Changes, Constraint

# Every column of a type, with its default. That of a partition follows its table's.
COLUMNS = text(
    "SELECT nspname, relname, attname, typelem <> 0, pg_get_expr(adbin, adrelid) "
    "FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid "
    "JOIN pg_class ON pg_class.oid = attrelid AND relkind IN ('r', 'p') "
    "JOIN pg_namespace ON pg_namespace.oid = relnamespace "
    "LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum "
    "WHERE attinhcount = 0 AND to_regtype(:enum) IN (atttypid, typelem)"
)
# What names a value of the type: it is dropped, and made again for the new type.
DEPENDENT = text(
    "SELECT DISTINCT conname, "
    "'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT IF EXISTS ' || "
    "quote_ident(conname), 'ALTER TABLE ' || conrelid::regclass || ' ADD CONSTRAINT ' "
    "|| quote_ident(conname) || ' ' || pg_get_constraintdef(pg_constraint.oid) "
    "FROM pg_constraint JOIN pg_depend ON objid = pg_constraint.oid "
    "WHERE classid = 'pg_constraint'::regclass AND refobjid = to_regtype(:enum) "
    "UNION SELECT '', 'DROP INDEX ' || objid::regclass, pg_get_indexdef(objid) "
    "FROM pg_depend JOIN pg_index ON indexrelid = objid "
    "WHERE classid = 'pg_class'::regclass AND refobjid = to_regtype(:enum) ORDER BY 2"
)


class EnumColumn(NamedTuple):
    """A column that has an enum type, or an array of it."""

    schema: str
    table: str
    name: str
    array: bool


@dataclass(frozen=True)
class Side:
    """A type's values before or after a migration, and its columns' defaults."""

    values: list[str]
    columns: dict[EnumColumn, str | None]


class Rewriting:
    """What changes enum types, compared with the database on this connection."""

    def __init__(
        self, connection: Connection, metadata: MetaData, checks: Changes
    ) -> None:
        """`checks` change in the same migration."""
        self._connection = connection
        self._metadata = metadata
        self._checks = checks
        self._default_schema = connection.dialect.default_schema_name or "public"

    def rewrite(self, forth: UpgradeOps, back: DowngradeOps) -> None:
        """Replace the operations that change enum types.

        They come first, because others may name a new value, for example as a default.
        """
        kinds = (AddEnumValuesOp, SyncEnumValuesOp)
        changes = [each for each in forth.ops if isinstance(each, kinds)]
        for operations in (forth, back):
            others = [each for each in operations.ops if not isinstance(each, kinds)]
            operations.ops[:] = others
        for change in changes:
            enum = (change.schema, change.name)
            before = Side(change.old_values, self._found_columns(*enum))
            after = Side(change.new_values, dict(self._declared_columns(*enum)))
            forth.ops[:0] = map(
                ExecuteSQLOp, self._statements(*enum, before, after, self._checks.new)
            )
            back.ops[:0] = map(
                ExecuteSQLOp, self._statements(*enum, after, before, self._checks.gone)
            )

    def _statements(
        self,
        schema: str,
        name: str,
        before: Side,
        after: Side,
        checks: list[Constraint],
    ) -> Iterator[str]:
        """What leads from one side to the other, where `checks` are added.

        PostgreSQL adds values to a type, but does not let the same transaction use
        them.
        """
        fresh = [_literal(each) for each in after.values if each not in before.values]
        kept = [each for each in after.values if each in before.values]
        used = [*filter(None, after.columns.values()), *(c.definition for c in checks)]
        if kept == before.values and not any(each in " ".join(used) for each in fresh):
            return _added(self._name(schema, name), before.values, after.values)
        return self._replaced(schema, name, before, after)

    def _replaced(
        self, schema: str, name: str, before: Side, after: Side
    ) -> Iterator[str]:
        """A new type in place of the old one; tables that have it are rewritten."""
        new = self._name(schema, name)
        found = self._connection.execute(DEPENDENT, {"enum": new}).all()
        yield from (drop for _, drop, _ in found)
        yield f"ALTER TYPE {new} RENAME TO {self._quoted(f'{name}_old')}"
        yield f"CREATE TYPE {new} AS ENUM ({', '.join(map(_literal, after.values))})"
        for column, default in before.columns.items():
            quoted = self._quoted(column.name)
            table = self._name(column.schema, column.table)
            alter = f"ALTER TABLE {table} ALTER COLUMN {quoted}"
            many = "[]" * column.array
            if default is not None:
                yield f"{alter} DROP DEFAULT"
            yield f"{alter} TYPE {new}{many} USING {quoted}::text{many}::{new}{many}"
            if (wanted := after.columns.get(column)) is not None:
                yield f"{alter} SET DEFAULT {wanted}"
        yield f"DROP TYPE {self._name(schema, f'{name}_old')}"
        yield from (make for name, _, make in found if name not in self._checks.names)

    def _found_columns(self, schema: str, name: str) -> dict[EnumColumn, str | None]:
        """The columns of the type in the database."""
        enum = {"enum": self._name(schema, name)}
        rows = self._connection.execute(COLUMNS, enum)
        return {EnumColumn(*column): default for *column, default in rows}

    def _declared_columns(
        self, schema: str, name: str
    ) -> Iterator[tuple[EnumColumn, str | None]]:
        """The columns of the type in the application's tables."""
        dialect = self._connection.dialect
        for table in self._metadata.sorted_tables:
            compiler = dialect.ddl_compiler(dialect, CreateTable(table))
            for column in table.columns:
                kind, array = column.type, isinstance(column.type, ARRAY)
                if isinstance(kind, ARRAY):
                    kind = kind.item_type
                if not isinstance(kind, Enum) or kind.name != name:
                    continue
                if (kind.schema or self._default_schema) == schema:
                    own = table.schema or self._default_schema
                    place = EnumColumn(own, table.name, column.name, array)
                    yield place, compiler.get_column_default_string(column)

    def _name(self, schema: str, name: str) -> str:
        """A name for SQL; the default schema is left out."""
        before = "" if schema == self._default_schema else f"{self._quoted(schema)}."
        return f"{before}{self._quoted(name)}"

    def _quoted(self, name: str) -> str:
        return self._connection.dialect.identifier_preparer.quote(name)


def _added(enum: str, before: list[str], after: list[str]) -> Iterator[str]:
    """Each new value, at its place."""
    for number, value in enumerate(after):
        if value not in before:
            place = f" AFTER {_literal(after[number - 1])}" if number else ""
            if not number and before:
                place = f" BEFORE {_literal(before[0])}"
            yield f"ALTER TYPE {enum} ADD VALUE {_literal(value)}{place}"


def _literal(value: str) -> str:
    """A value for SQL, in which no colon begins a parameter."""
    return "'" + value.replace("'", "''").replace(":", r"\:") + "'"
