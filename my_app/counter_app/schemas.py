"""What the API's requests and answers hold."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from my_app.counter_app import names
from my_app.counter_app.queries import LARGEST_VALUE

MOST_PER_PAGE = 100


class Amount(msgspec.Struct, forbid_unknown_fields=True):
    """What an increment adds; MAX_AMOUNT bounds it too."""

    amount: Annotated[int, Meta(ge=1, le=LARGEST_VALUE)] = 1


class Value(msgspec.Struct, forbid_unknown_fields=True):
    """What a counter is set to."""

    value: Annotated[int, Meta(ge=0, le=LARGEST_VALUE)]


class IncrementHeaders(msgspec.Struct):
    """Sent again with the same key, an increment is counted once."""

    idempotency_key: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class Page(msgspec.Struct):
    """Which counters to list."""

    limit: Annotated[int, Meta(ge=1, le=MOST_PER_PAGE)] = MOST_PER_PAGE
    after: Annotated[str, Meta(pattern=names.PATTERN)] | None = None


class CounterValue(msgspec.Struct):
    """A counter's value after an increment."""

    name: str
    value: int


class CounterBody(msgspec.Struct):
    """A counter."""

    name: str
    value: int
    created_at: datetime
    updated_at: datetime


class CounterList(msgspec.Struct):
    """A page of counters; `next` is the `after` of the following one."""

    counters: list[CounterBody]
    next: str | None


class Problem(msgspec.Struct):
    """What went wrong (RFC 9457); `outcome` where the database did not serve."""

    type: str
    title: str
    status: int
    detail: str
    outcome: str | None = None
