"""Fields of forms that WTForms lacks: JSON, one of an enum, a row of another table."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from wtforms.fields import Field, SelectField
from wtforms.widgets import TextArea

from quart_chassis.web.bodies import parse_json
from quart_chassis.web.values import LARGEST, UNSTORABLE, Replaced


class JsonField(Field):
    """JSON that people write; `data` is what it says, None if it is empty.

    It takes what RFC 8259 and PostgreSQL's jsonb both take.
    """

    widget: Any = TextArea()

    def _value(self) -> str:
        """The text in the browser."""
        if self.raw_data:
            return str(self.raw_data[0])
        if self.data is None:
            return ""
        return json.dumps(self.data, indent=2, ensure_ascii=False)

    def process_formdata(self, valuelist: list[Any]) -> None:
        self.data = None
        if valuelist and isinstance(valuelist[0], Replaced):
            raise ValueError("This text has characters that cannot be stored.")
        if valuelist and valuelist[0].strip():
            try:
                self.data = parse_json(valuelist[0])
            except (ValueError, RecursionError):
                raise ValueError("This is not JSON.") from None
            check_storable(self.data)


class EnumField(SelectField):
    """One of the values of an enum; `data` is None if it may be empty, and is."""

    def __init__(
        self,
        label: str,
        validators: list[Any],
        values: Iterable[str],
        **options: Any,
    ) -> None:
        super().__init__(label, validators, coerce=_text_or_none, **options)
        blank = [("", "")] if self.flags.optional else []
        self.choices = [*blank, *((value, _words(value)) for value in values)]


class ReferenceField(SelectField):
    """A row of another table; `data` is its id, and None if none is chosen.

    `choices` are pairs of an id and a text, set before the field is shown. They need
    not hold every row: the database's foreign key says whether one exists, and
    `tell_violation` shows that beside the field.
    """

    def __init__(self, label: str, validators: list[Any], **options: Any) -> None:
        super().__init__(
            label, validators, coerce=_row_id, validate_choice=False, **options
        )

    def iter_choices(self) -> Iterator[Any]:
        rows: list[Any] = [each for each in self.choices or () if each[0] != ""]
        self.choices = [("", ""), *rows]
        return super().iter_choices()


def check_storable(value: object) -> None:
    """ValueError if PostgreSQL cannot hold what JSON said.

    That is a NUL or half of a character in a text, however deep, and a time that in UTC
    is before the year 1 or after 9999.
    """
    match value:
        case datetime():
            try:
                value.astimezone(UTC)
            except OverflowError:
                raise ValueError(
                    "A time is before the year 1, or after 9999."
                ) from None
        case str() if UNSTORABLE.search(value):
            raise ValueError("A text in it has characters that cannot be stored.")
        case dict():
            check_storable([*value, *value.values()])
        case list():
            for each in value:
                check_storable(each)


def _row_id(value: object) -> int | None:
    if value == "":
        return None
    number = int(str(value))
    if not 0 < number <= LARGEST:
        raise ValueError("There is no such row.")
    return number


def _text_or_none(value: object) -> str | None:
    return str(value) or None


def _words(value: str) -> str:
    """An enum's value as people read it: `not_sent` is `Not sent`."""
    return value.replace("_", " ").replace("-", " ").capitalize()
