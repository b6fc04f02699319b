"""One batch of increments in one transaction, and what each of them is answered."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from opentelemetry.trace import SpanContext
from sqlalchemy.ext.asyncio import AsyncConnection
from werkzeug.exceptions import Conflict, UnprocessableEntity

from my_app import tracing
from my_app.counter_app import queries
from my_app.counter_app.queries import LARGEST_VALUE, Claim, Key
from my_app.db import DatabaseUnavailable


class CounterFull(Conflict):
    """The sum would not fit into 64 bits; nothing was counted."""

    description = "The counter is full: the sum would pass 9223372036854775807."


class KeyReused(UnprocessableEntity):
    """The key stands for another amount; nothing was counted."""

    description = "This Idempotency-Key was used for another amount."


class Counted(NamedTuple):
    """The counter's value after an increment, or after its first sending."""

    value: int
    replayed: bool


@dataclass(eq=False)
class Increment:
    """Somebody who waits for a number.

    `unknown` says that a COMMIT which may have counted it has failed. `deadline` is by
    the event loop's clock.
    """

    name: str
    amount: int
    key: str | None
    deadline: float
    answer: asyncio.Future[Counted]
    asked_in: SpanContext = field(default_factory=tracing.here)
    unknown: bool = False

    def resolve(self, answer: Counted | Exception) -> None:
        """Answer, unless who asked has left or was told that time is over."""
        if self.answer.done():
            return
        if isinstance(answer, Exception):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)

    def give_up(self) -> None:
        """Say that the database did not serve, and whether that is all we know."""
        self.resolve(DatabaseUnavailable(committed=None if self.unknown else False))


@dataclass
class Answers:
    """What a batch comes to, once it is committed; `again` are to be tried anew."""

    known: dict[Increment, Counted | Exception] = field(default_factory=dict)
    again: list[Increment] = field(default_factory=list)


async def write(connection: AsyncConnection, batch: list[Increment]) -> Answers:
    """Send the batch's statements; its answers, which hold only after COMMIT.

    Keys come first and counters second, each in their order, so that no two batches
    wait for each other.
    """
    owners: dict[Key, Increment] = {}
    for increment in batch:
        if increment.key is not None:
            owners.setdefault(Key(increment.name, increment.key), increment)
    claims = await _claim(connection, owners)
    to_count = [each for each in batch if _is_to_be_counted(each, owners, claims)]
    known = await _add(connection, to_count)
    answers = Answers(known)
    await _settle_keys(connection, owners, claims, known)
    for increment in batch:
        if increment.key is not None and increment not in known:
            _replay(increment, owners, claims, answers)
    return answers


async def _claim(
    connection: AsyncConnection, owners: dict[Key, Increment]
) -> dict[Key, Claim]:
    if not owners:
        return {}
    amounts = {key: owner.amount for key, owner in owners.items()}
    return await queries.claim_keys(connection, amounts)


def _is_to_be_counted(
    increment: Increment, owners: dict[Key, Increment], claims: dict[Key, Claim]
) -> bool:
    if increment.key is None:
        return True
    key = Key(increment.name, increment.key)
    return owners[key] is increment and claims[key].value is None


async def _add(
    connection: AsyncConnection, increments: list[Increment]
) -> dict[Increment, Counted | Exception]:
    """Add each counter's sum at once; each increment's number, in order of arrival."""
    known: dict[Increment, Counted | Exception] = {}
    by_name: defaultdict[str, list[Increment]] = defaultdict(list)
    for increment in increments:
        by_name[increment.name].append(increment)
    if not by_name:
        return known
    sums = {name: _sum(each) for name, each in by_name.items()}
    ends = await queries.add(connection, sums)
    for name in by_name.keys() - ends.keys():
        by_name[name], refused = await _fit(connection, name, by_name[name])
        known |= dict.fromkeys(refused, CounterFull())
        if by_name[name]:
            ends |= await queries.add(connection, {name: _sum(by_name[name])})
    for name, counted in by_name.items():
        value = ends.get(name, 0) - _sum(counted)
        for increment in counted:
            value += increment.amount
            known[increment] = Counted(value, replayed=False)
    return known


def _sum(increments: Iterable[Increment]) -> int:
    return sum(increment.amount for increment in increments)


async def _fit(
    connection: AsyncConnection, name: str, increments: list[Increment]
) -> tuple[list[Increment], list[Increment]]:
    """Who still fits into a counter that is nearly full, first come first served.

    Its row is locked already, so what is read is what will be added to.
    """
    counter = await queries.read(connection, name)
    value = counter.value if counter else 0
    fitting, refused = [], []
    for increment in increments:
        if value + increment.amount <= LARGEST_VALUE:
            value += increment.amount
            fitting.append(increment)
        else:
            refused.append(increment)
    return fitting, refused


async def _settle_keys(
    connection: AsyncConnection,
    owners: dict[Key, Increment],
    claims: dict[Key, Claim],
    known: dict[Increment, Counted | Exception],
) -> None:
    """Store what each new key was answered; refused increments leave no key."""
    values: dict[Key, int] = {}
    refused: list[Key] = []
    for key, owner in owners.items():
        if claims[key].value is not None:
            continue
        answer = known[owner]
        if isinstance(answer, Counted):
            values[key] = answer.value
        else:
            refused.append(key)
    if values:
        await queries.store_values(connection, values)
    await queries.release_keys(connection, refused)


def _replay(
    increment: Increment,
    owners: dict[Key, Increment],
    claims: dict[Key, Claim],
    answers: Answers,
) -> None:
    """Answer one whose key is taken, by an earlier batch or by another in this one."""
    key = Key(increment.name, increment.key or "")
    amount, value = claims[key]
    if value is None:
        first = answers.known[owners[key]]
        if not isinstance(first, Counted):
            # The first was refused and left no key, so this one is the first now.
            answers.again.append(increment)
            return
        value = first.value
    if increment.amount == amount:
        answers.known[increment] = Counted(value, replayed=True)
    else:
        answers.known[increment] = KeyReused()
