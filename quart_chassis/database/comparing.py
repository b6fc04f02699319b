"""What Alembic compares, and leaves alone, when it writes a migration."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from alembic.ddl.postgresql import PostgresqlImpl
from alembic_postgresql_enum import Config, set_configuration
from sqlalchemy import Column, Connection, Enum, Float, Numeric, String, Text, text
from sqlalchemy.types import TypeEngine

# Tables that come and go with another thing: partitions with their table, those of an
# extension (PostGIS has spatial_ref_sys) with it.
TABLES = text(
    "SELECT nspname, relname FROM pg_class "
    "JOIN pg_namespace ON pg_namespace.oid = relnamespace "
    "WHERE relispartition OR EXISTS (SELECT FROM pg_depend WHERE deptype = 'e' "
    "AND classid = 'pg_class'::regclass AND objid = pg_class.oid)"
)
# Enum types are compared by name, so one of an extension is left alone in any schema.
TYPES = text(
    "SELECT typname FROM pg_type WHERE EXISTS (SELECT FROM pg_depend "
    "WHERE deptype = 'e' AND classid = 'pg_type'::regclass AND objid = pg_type.oid)"
)


class PostgreSQL(PostgresqlImpl):
    """Alembic's own, which this one replaces, but for two comparisons.

    Alembic has the database compare defaults, whose enum type may lack the new value,
    and takes a length or a precision that only one side has for the other's.
    """

    __dialect__ = "postgresql"

    def compare_type(
        self, inspector_column: Column[Any], metadata_column: Column[Any]
    ) -> bool:
        """Whether a column's type in the application's tables is another one."""
        if super().compare_type(inspector_column, metadata_column):
            return True
        found, declared = _bounds(inspector_column.type), _bounds(metadata_column.type)
        return found is not None and declared is not None and found != declared

    def compare_server_default(
        self,
        inspector_column: Column[Any],
        metadata_column: Column[Any],
        rendered_metadata_default: str | None,
        rendered_inspector_default: str | None,
    ) -> bool:
        """Whether a column's default in the application's tables is another one."""
        if isinstance(metadata_column.type, Enum):
            declared, found = rendered_metadata_default, rendered_inspector_default
            return _value(declared) != _value(found)
        alembic: Any = super()
        differs: bool = alembic.compare_server_default(
            inspector_column,
            metadata_column,
            rendered_metadata_default,
            rendered_inspector_default,
        )
        return differs


def options(connection: Connection) -> dict[str, object]:
    """Keyword arguments for Alembic's `context.configure`."""

    @cache
    def tables() -> set[tuple[str, str]]:
        return {(schema, name) for schema, name in connection.execute(TABLES)}

    def include_name(
        name: str | None, kind: str, parents: Mapping[str, str | None]
    ) -> bool:
        if kind != "table":
            return True
        schema = parents["schema_name"] or connection.dialect.default_schema_name
        return (schema, name) not in tables()

    @cache
    def types() -> set[str]:
        return set(connection.execute(TYPES).scalars())

    # The extension that compares enum types keeps this for the whole process.
    set_configuration(Config(include_name=lambda name: name not in types()))
    return {
        "connection": connection,
        "compare_server_default": True,
        "include_name": include_name,
        "include_schemas": True,
    }


def _bounds(kind: TypeEngine[Any]) -> tuple[int | None, ...] | None:
    """The length of a varchar, or precision and scale of a numeric."""
    if isinstance(kind, Numeric) and not isinstance(kind, Float):
        # Without a scale, numeric(10) has none; without a precision, any.
        scale = kind.scale if kind.precision is None else kind.scale or 0
        return kind.precision, scale
    if isinstance(kind, String) and not isinstance(kind, Enum | Text):
        return (kind.length,)
    return None


def _value(default: str | None) -> str | None:
    """The value of a default such as 'new'::state, as Alembic has a declared one."""
    return default and default.partition("::")[0].strip("'").replace("''", "'")
