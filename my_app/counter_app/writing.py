"""One batch of increments in one transaction, and the answer to each increment."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from my_app.counter_app import history, keys, queries
from my_app.counter_app.bounds import Bounds
from my_app.counter_app.increments import (
    Counted,
    CounterFull,
    Increment,
    KeyReused,
)
from my_app.counter_app.keys import Claim, Key
from quart_chassis.database import Succession

Known = dict[Increment, Counted | Exception]


@dataclass
class Answers:
    """A batch's answers, valid after COMMIT; `again` returns to the queue."""

    known: Known
    again: list[Increment] = field(default_factory=list)


async def write(
    connection: Succession, batch: list[Increment], bounds: Bounds
) -> Answers:
    """Send the batch's statements and return its answers, valid after COMMIT.

    Keys are locked before budgets, and those before counters and their days; keys and
    counters in name order, so that no two batches deadlock.
    """
    owners: dict[Key, Increment] = {}
    for increment in batch:
        if increment.key is not None:
            owners.setdefault(increment.key, increment)
    claims = await _claim(connection, owners)
    keyed = [owner for key, owner in owners.items() if claims[key].value is None]
    known: Known = {**await bounds.refuse_keys(connection, keyed)}
    to_count = [
        each
        for each in batch
        if each not in known and _is_to_be_counted(each, owners, claims)
    ]
    known |= await _add(connection, to_count, bounds)
    answers = Answers(known)
    await _settle_keys(connection, owners, claims, known)
    for increment in batch:
        if increment.key is not None and increment not in known:
            first = owners[increment.key]
            _replay(increment, first, claims[increment.key], answers)
    return answers


async def _claim(
    connection: Succession, owners: dict[Key, Increment]
) -> dict[Key, Claim]:
    if not owners:
        return {}
    amounts = {key: owner.amount for key, owner in owners.items()}
    return await keys.claim_keys(connection, amounts)


def _is_to_be_counted(
    increment: Increment, owners: dict[Key, Increment], claims: dict[Key, Claim]
) -> bool:
    if increment.key is None:
        return True
    is_owner = owners[increment.key] is increment
    return is_owner and claims[increment.key].value is None


async def _add(
    connection: Succession, increments: list[Increment], bounds: Bounds
) -> Known:
    """Add each counter's sum, and number its increments in order of arrival."""
    known: Known = {}
    by_name: defaultdict[str, list[Increment]] = defaultdict(list)
    for increment in increments:
        by_name[increment.name].append(increment)
    new, too_many = await bounds.refuse_counters(connection, by_name)
    for name, error in too_many.items():
        known |= dict.fromkeys(by_name.pop(name), error)
    if not by_name:
        return known
    sums = {name: _sum(each) for name, each in by_name.items()}
    ends = await queries.add(connection, sums)
    bounds.check([name for name in ends if ends[name].is_new], new)
    for name in by_name.keys() - ends.keys():
        by_name[name], refused = await _fit(connection, name, by_name[name])
        known |= dict.fromkeys(refused, CounterFull())
        if by_name[name]:
            sums[name] = _sum(by_name[name])
            ends |= await queries.add(connection, {name: sums[name]})
    if ends:
        await history.add_days(connection, {name: sums[name] for name in ends})
    for name, end in ends.items():
        value = end.value - sums[name]
        for increment in by_name[name]:
            value += increment.amount
            known[increment] = Counted(value, replayed=False)
    return known


def _sum(increments: Iterable[Increment]) -> int:
    return sum(increment.amount for increment in increments)


async def _fit(
    connection: Succession, name: str, increments: list[Increment]
) -> tuple[list[Increment], list[Increment]]:
    """The increments that still fit a nearly full counter, and the refused ones.

    First come, first served. The counter's row is already locked, so the room that is
    read stays.
    """
    room = await queries.read_room(connection, name)
    fitting, refused = [], []
    for increment in increments:
        if increment.amount <= room:
            room -= increment.amount
            fitting.append(increment)
        else:
            refused.append(increment)
    return fitting, refused


async def _settle_keys(
    connection: Succession,
    owners: dict[Key, Increment],
    claims: dict[Key, Claim],
    known: Known,
) -> None:
    """Store each new key's value; refused increments leave no key."""
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
        await keys.store_values(connection, values)
    await keys.release_keys(connection, refused)


def _replay(
    increment: Increment, owner: Increment, claim: Claim, answers: Answers
) -> None:
    """Answer an increment whose key belongs to an earlier one."""
    amount, value = claim
    if value is None:
        first = answers.known[owner]
        if not isinstance(first, Counted):
            # The key's owner was refused and left no key: try this increment again.
            answers.again.append(increment)
            return
        value = first.value
    if increment.amount == amount:
        answers.known[increment] = Counted(value, replayed=True)
    else:
        answers.known[increment] = KeyReused()
