"""The schemas of the API's requests and answers."""

import datetime as dt
from typing import Annotated

import msgspec
from msgspec import Meta

from my_app.counter_app import names
from my_app.counter_app.settings import LARGEST_VALUE

MOST_PER_PAGE = 100
Key = Annotated[str, Meta(pattern="^[!-~]{1,255}$")]


class Amount(msgspec.Struct, forbid_unknown_fields=True):
    """The amount that an increment adds, at most MAX_AMOUNT."""

    amount: Annotated[int, Meta(ge=1, le=LARGEST_VALUE)] = 1


class Value(msgspec.Struct, forbid_unknown_fields=True):
    """The value that a counter is set to."""

    value: Annotated[int, Meta(ge=0, le=LARGEST_VALUE)]


class IncrementHeaders(msgspec.Struct):
    """An increment that is sent again with the same key is counted once."""

    idempotency_key: Key | msgspec.UnsetType = msgspec.UNSET


class Page(msgspec.Struct):
    """List up to `limit` counters with names past `after`."""

    limit: Annotated[int, Meta(ge=1, le=MOST_PER_PAGE)] = MOST_PER_PAGE
    after: names.Name | None = None


class Days(msgspec.Struct, rename={"first": "from", "last": "to"}):
    """From one day to another, both included, in UTC; the last 30 if unset."""

    first: dt.date | None = None
    last: dt.date | None = None


class CounterValue(msgspec.Struct):
    """A counter's value after an increment."""

    name: str
    value: int


class CounterBody(msgspec.Struct):
    """A counter."""

    name: str
    value: int
    created_at: dt.datetime
    updated_at: dt.datetime


class CounterList(msgspec.Struct):
    """A page of counters; `next` is the next page's `after`, if there is one."""

    counters: list[CounterBody]
    next: str | None


class DayValue(msgspec.Struct):
    """What a counter counted on a day of UTC."""

    day: dt.date
    value: int


class CounterDays(msgspec.Struct):
    """A counter's days, the oldest first; a day without visits has 0."""

    name: str
    days: list[DayValue]
