"""What the value of a form's field must be, so that PostgreSQL can store it."""

import re
from collections.abc import Mapping
from datetime import UTC, date
from decimal import Decimal
from math import isfinite
from typing import Any

from wtforms import fields

# WTForms' types are those of an older version, without `tz`.
newer: Any = fields
SMALLEST, LARGEST = -(2**63), 2**63 - 1
# Together the precision with which Python rounds decimals.
DIGITS_BEFORE_POINT, DIGITS_AFTER_POINT = 18, 10
# A browser's field for dates shows no year with fewer than four digits.
FIRST_YEAR = 1000
# PostgreSQL stores no NUL, and UTF-8 has no halves of characters (surrogates).
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class Replaced(str):
    """A text in which something that cannot be stored was replaced, to be shown."""

    __slots__ = ()


def showable(value: object) -> object:
    """A value that was posted, so that a page can show it."""
    if isinstance(value, str) and UNSTORABLE.search(value):
        return Replaced(UNSTORABLE.sub(REPLACEMENT, value))
    return value


def prepared(field: Any, given: Mapping[str, Any]) -> Any:
    """The field, with filters before its own; `given` are its arguments."""
    first = [_storable]
    if isinstance(field, fields.StringField):
        if not isinstance(field, fields.PasswordField):
            first.append(_stripped)
        if field.flags.optional:
            first.append(_none_if_empty)
    # Its own default shows two places, and would store no more when it is posted.
    if isinstance(field, fields.DecimalField) and "places" not in given:
        field.places = None
    if isinstance(field, newer.DateTimeLocalField) and "tz" not in given:
        field.tz = UTC
    field.filters = (*first, *field.filters)
    return field


def _storable(value: Any) -> Any:
    """The value; ValueError if PostgreSQL has no such one."""
    match value:
        case Replaced():
            raise ValueError("This text has characters that cannot be stored.")
        case int() if not SMALLEST <= value <= LARGEST:
            raise ValueError(f"Enter a number from {SMALLEST} to {LARGEST}.")
        case Decimal() if not _has_few_digits(value):
            raise ValueError(
                f"Enter a number with at most {DIGITS_BEFORE_POINT} digits before the "
                f"decimal point and {DIGITS_AFTER_POINT} after it."
            )
        case float() if not isfinite(value):
            raise ValueError("Enter a number.")
        case date() if value.year < FIRST_YEAR:
            raise ValueError(f"Enter a date after the year {FIRST_YEAR - 1}.")
    return value


def _has_few_digits(number: Decimal) -> bool:
    exponent = number.as_tuple().exponent
    # It is a letter for infinity, and for what is not a number.
    return (
        isinstance(exponent, int)
        and exponent >= -DIGITS_AFTER_POINT
        and number.adjusted() < DIGITS_BEFORE_POINT
    )


def _stripped(value: Any) -> Any:
    # Browsers send \r\n, and count one character for it.
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else value


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value
