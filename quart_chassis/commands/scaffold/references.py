"""The tables that a feature's fields refer to."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from sqlalchemy import Column, Enum, Integer, MetaData, Table, Text, types

from quart_chassis.commands.scaffold import words
from quart_chassis.commands.scaffold.fields import Field
from quart_chassis.errors import UserError

# A value for a row that tests refer to, by the column's type; the first that fits.
SAMPLES: tuple[tuple[type[types.TypeEngine[Any]], str], ...] = (
    (types.String, '"x"'),
    (types.Boolean, "True"),
    (types.Integer, "1"),
    (types.Numeric, "1"),
    (types.DateTime, "dt.datetime(2030, 1, 1, tzinfo=dt.UTC)"),
    (types.Date, "dt.date(2030, 1, 1)"),
    (types.JSON, "{}"),
    (types.LargeBinary, 'b"x"'),
)


@dataclass(frozen=True)
class Reference:
    """A table, the module that has it, its key, and the column people know a row by.

    `label` is "" if the table has no text. `endpoint` is the page of a row, and
    `argument` its argument, if there is such a page. `alias` is what the rows are
    called in a statement that has the table twice.
    """

    table: str
    module: str
    variable: str
    key: str
    type: str
    label: str
    label_may_be_none: bool
    endpoint: str = ""
    argument: str = ""
    alias: str = ""

    @property
    def rows(self) -> str:
        """What the rows are called in a statement."""
        return self.alias or self.variable


@dataclass(frozen=True)
class Row:
    """A row for tests to refer to: each column that must be given, as Python."""

    module: str
    variable: str
    given: tuple[tuple[str, str], ...]


def to_itself(package: str, name: str, fields: tuple[Field, ...]) -> Reference:
    """What a field refers to that refers to its own table."""
    texts = [field for field in fields if field.kind == "text"]
    label = texts[0] if texts else Field("", "text")
    return Reference(
        table=name,
        module=f"{package}.{name}.tables",
        variable=name,
        key="id",
        type="BigInteger",
        label=label.name,
        label_may_be_none=label.optional,
        endpoint=f"{name}.detail",
        argument=f"{words.singular(name)}_id",
    )


def find(metadata: MetaData, package: str, word: str) -> Reference:
    """The table called `word`; UserError if no field can refer to it."""
    table = metadata.tables.get(word)
    if table is None:
        known = ", ".join(sorted(metadata.tables)) or "none yet"
        raise UserError(
            f"there is no table {word} to refer to; the tables are: {known}"
        )
    module, variable = _place(table, package)
    key = _key(table)
    label = next((each for each in table.columns if _is_label(each)), None)
    return Reference(
        table=word,
        module=module,
        variable=variable,
        key=key.name,
        type=type(key.type.as_generic()).__name__,
        label=label.name if label is not None else "",
        label_may_be_none=bool(label is not None and label.nullable),
    )


def rows_for(metadata: MetaData, package: str, tables: list[str]) -> tuple[Row, ...]:
    """A row of each of these tables, after those that it refers to itself.

    Each has the key 1. UserError if no value can be thought of for a column.
    """
    found: dict[str, Row] = {}
    for word in tables:
        _add_row(metadata.tables[word], package, found, ())
    return tuple(found.values())


def _add_row(
    table: Table, package: str, found: dict[str, Row], above: tuple[str, ...]
) -> None:
    if table.name in above:
        raise UserError(
            f"no row of {table.name} can be the first, since each must refer to "
            "another; let one of its foreign keys be empty"
        )
    values = []
    for column in table.columns:
        if not _must_be_given(column):
            continue
        for key in column.foreign_keys:
            _add_row(key.column.table, package, found, (*above, table.name))
        values.append((column.name, _sample(column)))
    if table.name not in found:
        found[table.name] = Row(*_place(table, package), tuple(values))


def _must_be_given(column: Column[Any]) -> bool:
    given = column.server_default or column.default or column.identity
    return not (column.nullable or given or column.computed)


def _sample(column: Column[Any]) -> str:
    if isinstance(column.type, Enum):
        return f'"{column.type.enums[0]}"'
    for kind, sample in SAMPLES:
        if isinstance(column.type, kind):
            return sample
    raise UserError(
        f"the tests need a row of {column.table.name}, and no value for its column "
        f"{column.name} is known here; write this feature by hand"
    )


def _place(table: Table, package: str) -> tuple[str, str]:
    """The module and the variable that have the table; modules called tables first."""
    places = sorted(_places(table, package), key=lambda place: place[0])
    places.sort(key=lambda place: not place[0].endswith(".tables"))
    if not places:
        raise UserError(
            f"no module of {package} has the table {table.name} as a variable; give it "
            "one"
        )
    return places[0]


def _places(table: Table, package: str) -> Iterator[tuple[str, str]]:
    for name, module in list(sys.modules.items()):
        if name.startswith(f"{package}.") and isinstance(module, ModuleType):
            for variable, value in vars(module).items():
                if value is table:
                    yield name, variable


def _key(table: Table) -> Column[Any]:
    """The column that rows are found by; UserError unless it is one integer."""
    columns = list(table.primary_key.columns)
    if len(columns) != 1 or not isinstance(columns[0].type, Integer):
        raise UserError(
            f"a field can refer to a table whose primary key is one integer, and that "
            f"of {table.name} is not; write the foreign key by hand"
        )
    return columns[0]


def _is_label(column: Column[Any]) -> bool:
    hidden = hasattr(type(column.table.c), column.name)
    return isinstance(column.type, Text) and not hidden


def is_of(table: Table, package: str) -> bool:
    """Whether a module of the package has the table as a variable, and no other does.

    A feature that imports another one's table does not own it.
    """
    owner, _ = _place(table, package.partition(".")[0])
    return owner == package or owner.startswith(f"{package}.")
