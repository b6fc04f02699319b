"""The fields that are typed after the feature's name: `title:text note:json?`."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from quart_chassis.errors import UserError

KINDS = (
    *("text", "int", "numeric", "date", "datetime", "bool", "json"),
    *("ref:TABLE", "enum:ONE,TWO"),
)
FIELD = re.compile(
    r"(?P<name>[^:?!]+):(?P<kind>[^:?!]+)(?::(?P<detail>[^:?!]+))?(?P<marks>[?!]*)"
)
VALUE = re.compile(r"[a-z0-9]([a-z0-9_-]*[a-z0-9])?")
# PostgreSQL cuts a longer name of anything, and an enum's value may be no longer.
LONGEST_NAME = 63
# Of a text, in characters.
LONGEST_TEXT = 200
# Two rows with the same value must be possible, or two values with the same text.
NOT_UNIQUE = ("bool", "enum", "json", "ref")


@dataclass(frozen=True)
class Field:
    """A field as it was typed; `detail` is the table of a ref, or the enum's values."""

    name: str
    kind: str
    detail: str = ""
    optional: bool = False
    unique: bool = False

    @property
    def column(self) -> str:
        """The name of its column."""
        return f"{self.name}_id" if self.kind == "ref" else self.name

    @property
    def values(self) -> tuple[str, ...]:
        """An enum's values."""
        return tuple(self.detail.split(","))


def parse(words: Iterable[str]) -> tuple[Field, ...]:
    """The fields; `title:text` if there are none.

    UserError says which of the words is wrong. Names are checked in `names.py`.
    """
    fields = tuple(_field(word) for word in words) or (Field("title", "text"),)
    # A ref's row has two names: customer_id, and customer for what is shown of it.
    used = [name for field in fields for name in {field.name, field.column}]
    for name, times in Counter(used).items():
        if times > 1:
            raise UserError(f"two fields make the column {name}; rename one of them")
    return fields


def _field(word: str) -> Field:
    match = FIELD.fullmatch(word)
    if match is None:
        raise UserError(
            f"{word} is not a field; write NAME:TYPE, with ? behind it if it may be "
            "empty, and ! if it is unique, such as code:text!"
        )
    name, kind, detail, marks = match["name"], match["kind"], match["detail"], match[4]
    known = {each.partition(":")[0]: ":" in each for each in KINDS}
    if kind not in known:
        raise UserError(
            f"{word} has the unknown type {kind}; use one of {', '.join(KINDS)}"
        )
    if known[kind] != bool(detail):
        (shape,) = (each for each in KINDS if each.partition(":")[0] == kind)
        raise UserError(f"{word} is not complete; write {name}:{shape}")
    if len(set(marks)) < len(marks):
        raise UserError(f"{word} has a mark twice; write each of ? and ! once")
    field = Field(name, kind, detail or "", "?" in marks, "!" in marks)
    _check_marks(word, field)
    if kind == "enum":
        _check_values(word, field)
    return field


def _check_marks(word: str, field: Field) -> None:
    if field.unique and field.kind in NOT_UNIQUE:
        raise UserError(
            f"{word}: {field.kind} cannot be unique here; leave out the !, and write "
            "the constraint into tables.py yourself"
        )
    if field.optional and field.kind == "bool":
        raise UserError(
            f"{word}: a bool is true or false, never empty; leave out the ?, or write "
            f"{field.name}:enum:yes,no?"
        )


def _check_values(word: str, field: Field) -> None:
    for value in field.values:
        if not VALUE.fullmatch(value) or len(value) > LONGEST_NAME:
            raise UserError(
                f"{word} has the value {value or '(nothing)'!r}; write values of small "
                f"letters, digits, - and _, at most {LONGEST_NAME} of them, with commas"
            )
    if len(set(field.values)) < len(field.values):
        raise UserError(f"{word} has a value twice; take one of the two out")
