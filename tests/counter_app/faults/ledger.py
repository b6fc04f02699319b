"""What clients saw, and whether a database that counts right could have shown it.

The rules are those of a counter that can only be added to: Jepsen's checker for
counters, with unique numbers and their order in time besides.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from math import inf

COUNTED, NOT_COUNTED, UNKNOWN, NO_ANSWER = "counted", "not-counted", "unknown", "none"


@dataclass
class Attempt:
    """One request to add 1; times are monotonic seconds."""

    client: int
    counter: str
    key: str | None
    sent: float
    answered: float = inf
    outcome: str = NO_ANSWER
    value: int = 0
    replayed: bool = False


@dataclass
class Read:
    """A value that was stored at some moment between `sent` and `answered`."""

    counter: str
    sent: float
    answered: float
    value: int


@dataclass
class Increment:
    """One intention to count: a single attempt, or all attempts with one key."""

    attempts: list[Attempt] = field(default_factory=list)

    @property
    def began(self) -> float:
        return min(attempt.sent for attempt in self.attempts)

    @property
    def counted(self) -> list[Attempt]:
        return [each for each in self.attempts if each.outcome == COUNTED]

    @property
    def acknowledged(self) -> float:
        """When its number was first known; never, if no attempt was counted."""
        return min((each.answered for each in self.counted), default=inf)

    @property
    def may_be_stored(self) -> bool:
        return any(each.outcome != NOT_COUNTED for each in self.attempts)

    @property
    def value(self) -> int:
        return self.counted[0].value


@dataclass
class Ledger:
    """Everything that was seen."""

    attempts: list[Attempt] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)

    def increments(self) -> dict[str, list[Increment]]:
        """Intentions by counter."""
        found: defaultdict[str, list[Increment]] = defaultdict(list)
        by_key: dict[tuple[str, str], Increment] = {}
        for attempt in self.attempts:
            if attempt.key is None:
                found[attempt.counter].append(Increment([attempt]))
                continue
            place = (attempt.counter, attempt.key)
            if place not in by_key:
                by_key[place] = Increment()
                found[attempt.counter].append(by_key[place])
            by_key[place].attempts.append(attempt)
        return dict(found)

    def problems(self, stored: dict[str, int]) -> list[str]:
        """What no right counter could have shown; `stored` is what is left at last."""
        found: list[str] = []
        for counter, increments in self.increments().items():
            reads = [each for each in self.reads if each.counter == counter]
            reads.append(Read(counter, inf, inf, stored.get(counter, 0)))
            for told in _problems(increments, reads):
                found.append(f"{counter}: {told}")
        return found


def _problems(increments: list[Increment], reads: list[Read]) -> Iterator[str]:
    known = [each for each in increments if each.counted]
    possible = [each for each in increments if each.may_be_stored]
    yield from _replays(known)
    yield from _duplicates(known)
    yield from _order(known)
    # A replay says what was once; the writer's own second try is one too.
    answers = [
        Read(each.counter, each.sent, each.answered, each.value)
        for increment in known
        for each in increment.counted
        if not each.replayed
    ]
    yield from _bounds(known, possible, [*reads, *answers])
    yield from _gaps(known, len(possible) - len(known))


def _replays(known: Iterable[Increment]) -> Iterator[str]:
    for increment in known:
        values = {each.value for each in increment.counted}
        if len(values) > 1:
            yield f"the key {increment.attempts[0].key} was answered {sorted(values)}"


def _duplicates(known: Iterable[Increment]) -> Iterator[str]:
    seen: set[int] = set()
    for increment in known:
        if increment.value in seen:
            yield f"the number {increment.value} was given twice"
        seen.add(increment.value)


def _order(known: list[Increment]) -> Iterator[str]:
    """Who was answered before another asked has the smaller number."""
    times, largest = _acknowledgements(known)
    for increment in known:
        before = largest[bisect_left(times, increment.began)]
        if before > increment.value:
            yield f"{increment.value} was given after {before}"


def _bounds(
    known: list[Increment], possible: list[Increment], reads: list[Read]
) -> Iterator[str]:
    """Acknowledged before <= read <= whatever may have been stored until then."""
    times, largest = _acknowledgements(known)
    began = sorted(each.began for each in possible)
    for read in reads:
        when = "at last" if read.sent == inf else "meanwhile"
        before = bisect_left(times, read.sent)
        least = max(before, largest[before])
        most = bisect_left(began, read.answered)
        if read.value < least:
            yield f"{read.value} stored {when}, though {least} were acknowledged: lost"
        if read.value > most:
            yield f"{read.value} stored {when}, of {most} at most: counted twice"


def _acknowledgements(known: list[Increment]) -> tuple[list[float], list[int]]:
    """When numbers became known, and the largest one known before each, and at last."""
    answered = sorted(known, key=lambda each: each.acknowledged)
    values = (each.value for each in answered)
    times = [each.acknowledged for each in answered]
    return times, list(accumulate(values, max, initial=0))


def _gaps(known: list[Increment], unknown: int) -> Iterator[str]:
    """Numbers that nobody has are those of the unknown."""
    values = {each.value for each in known}
    missing = max(values, default=0) - len(values)
    if missing > unknown:
        yield f"{missing} numbers were given to nobody, and {unknown} are unknown"
