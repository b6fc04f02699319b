"""The lines of an export: a head, one for each counter, and an end.

Each is a JSON object (docs/stats_app/transfer.md). The end tells that nothing is
missing.
"""

import datetime as dt
import re
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from my_app.counter_app import LARGEST_VALUE, days, names
from quart_chassis.web import parse_json

VERSION = 1
# 36,600 days, which is as many as HISTORY_DAYS keeps at most.
LONGEST_LINE = 2**21
# A member's name; a counter may be called so, too.
END = re.compile(rb'"end"\s*:')

Day = Annotated[int, Meta(ge=1, le=LARGEST_VALUE)]
Time = Annotated[dt.datetime, Meta(tz=True)]
Line = TypeVar("Line", bound="Head | Counter | End")


class Head(msgspec.Struct, forbid_unknown_fields=True):
    """What this is, and when it was exported."""

    format: Literal["counters"]
    version: int
    exported_at: Time


class Counter(msgspec.Struct, forbid_unknown_fields=True):
    """A counter: its `base` and its days add up to its value."""

    name: str
    value: Annotated[int, Meta(ge=0, le=LARGEST_VALUE)]
    base: Annotated[int, Meta(ge=-LARGEST_VALUE, le=LARGEST_VALUE)]
    created_at: Time
    updated_at: Time
    days: dict[dt.date, Day]


class End(msgspec.Struct, forbid_unknown_fields=True):
    """How many counters there were."""

    end: Literal[True]
    counters: Annotated[int, Meta(ge=0)]


def written(line: Head | Counter | End) -> bytes:
    """The line as it stands in a file."""
    return msgspec.json.encode(line) + b"\n"


def read(line: bytes, kind: type[Line]) -> Line:
    """The line as a `kind`; ValueError says what is wrong with it."""
    if len(line) > LONGEST_LINE:
        raise ValueError(f"the line is longer than {LONGEST_LINE} bytes")
    try:
        found = parse_json(line.decode())
    except (ValueError, RecursionError):
        raise ValueError(
            "the line is no JSON object in UTF-8 without duplicate members"
        ) from None
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error).replace("`", "")) from None


def is_end(line: bytes) -> bool:
    """Whether this is to be the last line."""
    return END.search(line) is not None


def check(counter: Counter) -> None:
    """ValueError says by the member's name what PostgreSQL or a promise forbids."""
    if not names.is_name(counter.name):
        raise ValueError(names.WRONG)
    counted = sum(counter.days.values())
    if counter.base + counted != counter.value:
        raise ValueError(
            f"value is {counter.value}, and base and days add up to "
            f"{counter.base + counted}"
        )
    if counted > LARGEST_VALUE:
        raise ValueError(f"days add up to more than {LARGEST_VALUE}")
    for name in ("created_at", "updated_at"):
        try:
            getattr(counter, name).astimezone(dt.UTC)
        except OverflowError:
            raise ValueError(f"{name} is out of range") from None
    last = max(counter.days, default=dt.date.min)
    if last > days.today():
        raise ValueError(f"days has {last}, which is in the future (UTC)")
