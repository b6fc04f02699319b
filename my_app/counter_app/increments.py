"""A caller's increment, and what it may be answered."""

import asyncio
from dataclasses import dataclass, field
from typing import NamedTuple

from opentelemetry.trace import SpanContext
from werkzeug.exceptions import (
    Conflict,
    TooManyRequests,
    UnprocessableEntity,
)

from my_app.counter_app.keys import Key
from quart_chassis.database import DatabaseUnavailable
from quart_chassis.observe import tracing


class CounterFull(Conflict):
    """The sum would not fit into 64 bits; nothing was counted."""

    description = "The counter is full: the sum would pass 9223372036854775807."


class KeyReused(UnprocessableEntity):
    """The key was used for another amount; nothing was counted."""

    description = "This Idempotency-Key was used for another amount."


class BoundReached(TooManyRequests):
    """Strangers have made as much as the settings allow; nothing was counted."""

    description = "No more new counters or keys may be made for now."

    def __init__(self, seconds: int) -> None:
        super().__init__(retry_after=seconds)


class Counted(NamedTuple):
    """The counter's value after an increment; a replay gets the first value."""

    value: int
    replayed: bool


@dataclass(eq=False)
class Increment:
    """One caller's increment, and the answer that the caller waits for.

    `unknown` is true if a failed or unfinished COMMIT may have counted it. `deadline`
    is a time of the event loop's clock.
    """

    name: str
    amount: int
    key: Key | None
    deadline: float
    answer: asyncio.Future[Counted]
    asked_in: SpanContext = field(default_factory=tracing.here)
    unknown: bool = False

    def resolve(self, answer: Counted | Exception) -> bool:
        """Answer; False if the caller has left, or was already answered."""
        if self.answer.done():
            return False
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)
        return True

    def failure(self) -> DatabaseUnavailable:
        """That the database did not serve: `unknown`, or else `not-counted`."""
        return DatabaseUnavailable(committed=None if self.unknown else False)
