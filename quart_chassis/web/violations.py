"""Say beside a form's field why the database refused its value."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Table
from sqlalchemy.exc import DBAPIError

from quart_chassis import settings
from quart_chassis.database import error_of_driver
from quart_chassis.settings import Settings
from quart_chassis.web.forms import Form

# By SQLSTATE (PostgreSQL, Appendix A).
MESSAGES = {
    "23502": "This field is required.",
    "23503": "This does not exist any more. Choose another one.",
    "23505": "This is taken already.",
    "23514": "This value is not allowed.",
    "23P01": "This overlaps with another one.",
    # What a unique index holds has about 2,700 bytes.
    "54000": "This is too long.",
}
OUT_OF_RANGE = "22003"
TOO_LONG = "22001"
ARGUMENT = re.compile(r"query argument \$(\d+):.* out of \w+ range")


def tell_violation(form: Form, error: DBAPIError) -> bool:
    """Whether the database refused a value of the form; its field then says so.

    A field has the name of its column. If the error is not about a field of the form,
    raise it again.
    """
    refused = error_of_driver(error)
    state = getattr(refused, "sqlstate", None)
    if state in MESSAGES:
        return _tell(form, _columns(refused), MESSAGES[state])
    return _tell(form, _outside_of_type(form, error), "This is too large.")


def _tell(form: Form, names: Iterable[str], message: str) -> bool:
    """Whether the form has one of these fields; the first one gets the message."""
    for name in names:
        if name in form:
            form[name].errors = [*form[name].errors, message]
            return True
    return False


def words_of_violation(error: DBAPIError) -> str:
    """What the database refused, with the column's name, for who sent no form."""
    refused = error_of_driver(error)
    message = MESSAGES.get(getattr(refused, "sqlstate", ""), "This is not allowed.")
    return ": ".join([*_columns(refused)[:1], message])


def _columns(refused: Any) -> list[str]:
    """The columns that the violated constraint is about."""
    if refused.column_name:
        return [refused.column_name]
    tables = settings.current(Settings).project.metadata().tables.values()
    return [
        column
        for table in tables
        if table.name == refused.table_name
        for column in _constrained(table, refused.constraint_name)
    ]


def _constrained(table: Table, name: str) -> Iterable[str]:
    found: list[Any] = [*table.constraints, *table.indexes]
    for constraint in found:
        if constraint.name == name:
            if isinstance(constraint, CheckConstraint):
                # Its columns are known only if it was not written as text.
                words = set(re.findall(r"\w+", str(constraint.sqltext)))
                return [column.name for column in table.c if column.name in words]
            return [column.name for column in constraint.columns]
    return ()


def _outside_of_type(form: Form, error: DBAPIError) -> Iterator[str]:
    """The fields whose values their columns' types do not hold.

    Such an error names no column, but it says what the type holds.
    """
    refused: Any = error_of_driver(error)
    if argument := ARGUMENT.search(str(refused)):
        given = list(error.params or ())[int(argument[1]) - 1]
        yield from (field.name for field in form if field.data == given)
    state = getattr(refused, "sqlstate", None)
    for field in form:
        match field.data:
            case Decimal() if state == OUT_OF_RANGE and refused.detail:
                precision, scale = re.findall(r"\d+", refused.detail)[:2]
                if abs(field.data) >= Decimal(10) ** (int(precision) - int(scale)):
                    yield field.name
            case str() if state == TOO_LONG:
                (length,) = re.findall(r"\((\d+)\)", str(refused))
                if len(field.data) > int(length):
                    yield field.name
