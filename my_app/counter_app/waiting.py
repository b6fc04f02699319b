"""The increments that wait for a batch."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from my_app.counter_app.increments import Increment

if TYPE_CHECKING:
    from prometheus_client import Gauge


class Queue:
    """Increments in order of arrival; those whose callers have left count no more."""

    def __init__(self, limit: int, length: "Gauge") -> None:
        self._limit = limit
        self._length = length
        self._waiting: deque[Increment] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Increment]:
        return iter(self._waiting)

    def has_room(self) -> bool:
        """Whether one more may wait."""
        if len(self._waiting) >= self._limit:
            self._waiting = deque(each for each in self if not each.answer.done())
        return len(self._waiting) < self._limit

    def append(self, increment: Increment) -> None:
        """Let it wait behind the others."""
        self._waiting.append(increment)
        self._length.set(len(self._waiting))

    def somebody_waits(self) -> bool:
        """Whether there is one whose caller has not left."""
        while self._waiting and self._waiting[0].answer.done():
            self._waiting.popleft()
        self._length.set(len(self._waiting))
        return bool(self._waiting)

    def take(self, most: int) -> list[Increment]:
        """The first ones, which wait here no longer."""
        taken: list[Increment] = []
        while self._waiting and len(taken) < most:
            increment = self._waiting.popleft()
            if not increment.answer.done():
                taken.append(increment)
        return taken

    def put_back(self, increments: Iterable[Increment]) -> None:
        """Return them to the head, even over the limit."""
        self._waiting.extendleft(reversed([*increments]))
