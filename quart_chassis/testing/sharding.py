"""What tables that Citus shards allow: keys, constraints and the shape of statements.

It needs no Citus. The rules are Citus's own, and stricter where that is simpler: what
is not known to work is a problem.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    Delete,
    Extract,
    ForeignKeyConstraint,
    FunctionElement,
    Insert,
    Over,
    PrimaryKeyConstraint,
    Select,
    Table,
    TextClause,
    UniqueConstraint,
    Update,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.sql.elements import BinaryExpression, ColumnClause
from sqlalchemy.sql.operators import eq
from sqlalchemy.sql.visitors import iterate

# The column that shards each table.
Sharded = Mapping[str, str]


def sharded_by(sql: str) -> dict[str, str]:
    """The column that shards each table, where `sql` distributes them."""
    return dict(re.findall(r"create_distributed_table\('(\w+)', '(\w+)'", sql))


def problems_of_table(table: Table, sharded: Sharded) -> Iterator[str]:
    """What Citus would refuse of a table's keys and constraints."""
    own = sharded[table.name]
    keys: list[Any] = [*table.constraints, *table.indexes]
    for key in keys:
        if isinstance(key, ForeignKeyConstraint):
            far = [each.column for each in key.elements if each.parent.name == own]
            if not any(sharded.get(each.table.name) == each.name for each in far):
                yield f"a foreign key of {table.name} leaves the shard"
        elif isinstance(key, ExcludeConstraint):
            yield f"{key.name} compares rows of several shards"
        elif _is_unique(key) and own not in key.columns:
            yield f"{key.name} holds within a shard only: it lacks {own}"


def _is_unique(key: Any) -> bool:
    kinds = (PrimaryKeyConstraint, UniqueConstraint)
    return isinstance(key, kinds) or getattr(key, "unique", False)


def problems_of_statement(statement: Any, sharded: Sharded) -> Iterator[str]:
    """What Citus would refuse of a statement."""
    if any(isinstance(part, TextClause) for part in iterate(statement)):
        yield "it is text, whose shape nothing checks"
    if not _tables(statement, sharded):
        return
    if any(_is_by_text(part) for part in iterate(statement)):
        yield "it names a column by text, such as ctid"
    if any(isinstance(part, CTE | Over) for part in iterate(statement)):
        yield "it has a WITH or a window"
    match statement:
        case Insert():
            yield from _problems_of_insert(statement, sharded)
        case Update() | Delete():
            yield from _problems_of_change(statement, sharded)
        case Select():
            yield from _problems_of_select(statement, sharded)
    if _calls(getattr(statement, "_returning", ())):
        yield "its RETURNING calls a function"


def _problems_of_insert(statement: Insert, sharded: Sharded) -> Iterator[str]:
    own = _key(statement, sharded)
    if own is None:
        yield "it takes rows out of shards into a table that has none"
        return
    names = list(statement._select_names or [])
    if own not in _named([*names, *(statement._values or ())]):
        yield f"it does not give {own}"
    elif isinstance(statement.select, Select):
        source = list(statement.select.selected_columns)[names.index(own)]
        others = _tables(statement.select, sharded)
        if others and not _shards(source, sharded):
            yield f"{own} comes from no column that shards"
        if statement.select._limit_clause is not None:
            yield "its SELECT has a LIMIT"
    conflict: Any = statement._post_values_clause
    if conflict is None:
        return
    if own not in _named(conflict.inferred_target_elements or ()):
        yield f"its ON CONFLICT lacks {own}"
    changes = dict(getattr(conflict, "update_values_to_set", ()))
    if own in _named(changes):
        yield f"it changes {own}"
    where = getattr(conflict, "update_whereclause", None)
    if _calls([*changes.values(), where]):
        yield "its DO UPDATE calls a function; give the row what is needed"


def _problems_of_change(statement: Update | Delete, sharded: Sharded) -> Iterator[str]:
    own = _key(statement, sharded)
    if own is None:
        yield "it changes a table that has no shards, by one that has"
        return
    if any(isinstance(part, Select) for part in iterate(statement)):
        yield "it has a subquery"
    where = statement._where_criteria
    if isinstance(statement, Update):
        values: dict[Any, Any] = dict(statement._values or {})
        if own in _named(values):
            yield f"it changes {own}"
        if _calls(values.values()):
            yield "its SET calls a function"
    for call in _calls(where):
        if _columns(call):
            yield f"its WHERE calls {call} for a column"
    strangers = [each for each in _columns(*where) if each.table is not statement.table]
    if strangers and not _is_equal(statement.table.c[own], where, ColumnClause):
        yield f"it joins otherwise than by {own}"


def _problems_of_select(statement: Select[Any], sharded: Sharded) -> Iterator[str]:
    tables = _tables(statement, sharded)
    if len(tables) > 1:
        yield "it reads two tables that are sharded"
    lock: Any = statement._for_update_arg
    if lock is None:
        return
    if lock.skip_locked:
        yield "it skips what is locked"
    (table, *_) = tables
    where = statement._where_criteria
    if not _is_equal(table.c[sharded[table.name]], where, BindParameter):
        yield f"it locks rows by something else than one {sharded[table.name]}"


def _key(statement: Any, sharded: Sharded) -> str | None:
    return sharded.get(statement.table.name)


def _tables(statement: Any, sharded: Sharded) -> list[Table]:
    """The tables that a statement reads or writes, of those that are sharded."""
    named = [part for part in iterate(statement) if isinstance(part, Table)]
    named += [each.table for each in _columns(statement)]
    return [each for each in dict.fromkeys(named) if each.name in sharded]


def _columns(*parts: Any) -> list[Any]:
    """The columns of tables, and those of arrays that are used as tables."""
    return [
        each
        for part in parts
        for each in iterate(part)
        if isinstance(each, ColumnClause) and getattr(each, "table", None) is not None
    ]


def _shards(column: Any, sharded: Sharded) -> bool:
    table = getattr(column, "table", None)
    return isinstance(table, Table) and sharded.get(table.name) == column.name


def _calls(parts: Iterable[Any]) -> list[Any]:
    """The calls of functions in these."""
    kinds = (FunctionElement, Extract)
    known = [part for part in parts if part is not None]
    return [each for part in known for each in iterate(part) if isinstance(each, kinds)]


def _is_by_text(part: Any) -> bool:
    # count(*) has one as well.
    return isinstance(part, ColumnClause) and part.is_literal and part.name != "*"


def _named(columns: Iterable[Any]) -> list[str]:
    return [getattr(each, "name", each) for each in columns]


def _is_equal(column: Any, where: Iterable[Any], kind: Any) -> bool:
    """Whether one of the conditions wants `column` to equal something of this kind."""
    for each in where:
        if isinstance(each, BinaryExpression) and each.operator is eq:
            sides = (each.left, each.right)
            others = [side for side in sides if side is not column]
            if len(others) == 1 and isinstance(others[0], kind):
                return True
    return False
