"""One counter that many workers count, simulated: where its row stops serving.

Each worker has a processor, which does one thing after another, and a writer, which
shares commits as `my_app.counter_app.batching` does. The row is locked from a batch's
first statement to the end of its commit; whoever has waited longest is next. Every
client asks again as soon as it has its answer.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# As the settings have them.
BATCH_LIMIT = 1024
WAIT_SECONDS = 6.0
LOCK_SECONDS = 0.25 * WAIT_SECONDS
# As `batching` has them.
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 0.4
FIRST_ANSWERS, ANSWER_SECONDS = 8, 0.001


@dataclass(frozen=True)
class Costs:
    """Seconds of a processor: to take a request, to answer it, and for a statement.

    And of the database: until it has answered a statement, and until a commit is on the
    disk. One client and 256 clients of `curves.md` set them. Writers that wait slow the
    one that writes down, because PostgreSQL wakes them at its commit: n writers by
    `waiting` times n to the power of 2/3, which 64 writers of `hot_row.md` set.
    Everything else in there is foretold.
    """

    take: float = 50e-6
    answer: float = 90e-6
    statement: float = 150e-6
    round_trip: float = 400e-6
    commit: float = 1200e-6
    waiting: float = 147e-6


@dataclass(frozen=True)
class Outcome:
    """What clients saw: answers in a second, how long half took, which share failed."""

    per_second: float
    p50: float
    failed: float


@dataclass
class _Worker:
    waiting: deque[float] = field(default_factory=deque)
    counted: deque[float] = field(default_factory=deque)
    batch: list[float] = field(default_factory=list)
    busy_until: float = 0.0
    pause: float = PAUSE_SECONDS
    is_idle: bool = True


class Simulation:
    """Workers on one row; `run` it once."""

    def __init__(self, workers: int, clients: int, costs: Costs) -> None:
        """`clients` of each worker."""
        self._costs = costs
        self._workers = [_Worker() for _ in range(workers)]
        self._clients = clients
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[..., None], Any]] = []
        self._number = 0
        self._wanting: deque[_Worker] = deque()
        self._has_row: _Worker | None = None
        self._taken: list[tuple[float, float]] = []
        self._failures: list[float] = []

    def run(self, seconds: float) -> Outcome:
        """The outcome of the second half of this time."""
        chance = random.Random(1)  # noqa: S311 - no secret, and always the same
        for worker in self._workers:
            for _ in range(self._clients):
                self._at(chance.random() * 0.01, self._ask, worker)
        while self._events and self._now < seconds:
            self._now, _, do, what = heapq.heappop(self._events)
            do(*what)
        half = seconds / 2
        taken = sorted(took for when, took in self._taken if when > half)
        failed = sum(when > half for when in self._failures)
        if not taken:
            return Outcome(0, seconds, 1)
        share = failed / (failed + len(taken))
        return Outcome(len(taken) / half, taken[len(taken) // 2], share)

    def _at(self, time: float, do: Callable[..., None], *what: Any) -> None:
        self._number += 1
        heapq.heappush(self._events, (time, self._number, do, what))

    def _work(self, worker: _Worker, seconds: float, then: Callable[..., None]) -> None:
        """Have the worker's processor do something, when it has done all else."""
        worker.busy_until = max(self._now, worker.busy_until) + seconds
        self._at(worker.busy_until, then, worker)

    def _ask(self, worker: _Worker) -> None:
        asked = self._now
        self._work(worker, self._costs.take, lambda each: self._enqueue(each, asked))

    def _enqueue(self, worker: _Worker, asked: float) -> None:
        worker.waiting.append(asked)
        if worker.is_idle:
            worker.is_idle = False
            self._work(worker, self._costs.statement, self._begin)

    def _begin(self, worker: _Worker) -> None:
        """Take a batch of those who wait, and want the row."""
        while worker.waiting and self._now - worker.waiting[0] > WAIT_SECONDS:
            worker.waiting.popleft()
            self._failures.append(self._now)
            self._at(self._now, self._ask, worker)
        size = min(len(worker.waiting), BATCH_LIMIT)
        worker.batch = [worker.waiting.popleft() for _ in range(size)]
        worker.is_idle = not worker.batch
        if worker.batch:
            self._wanting.append(worker)
            self._at(self._now + LOCK_SECONDS, self._give_up, worker, worker.batch)
            self._lend()

    def _lend(self) -> None:
        if self._has_row is None and self._wanting:
            self._has_row = worker = self._wanting.popleft()
            woken = self._costs.waiting * len(self._wanting) ** (2 / 3)
            self._at(self._now + self._costs.round_trip + woken, self._go_on, worker)

    def _give_up(self, worker: _Worker, batch: list[float]) -> None:
        """The row was locked for too long: try the batch again after a pause."""
        if worker.batch is batch and worker in self._wanting:
            self._wanting.remove(worker)
            worker.waiting.extendleft(reversed(batch))
            self._at(self._now + worker.pause, self._begin, worker)
            worker.pause = min(2 * worker.pause, LONGEST_PAUSE_SECONDS)

    def _go_on(self, worker: _Worker) -> None:
        """The first statement has its result; the second is that of the days."""
        self._work(worker, self._costs.statement, self._add_days)

    def _add_days(self, worker: _Worker) -> None:
        end = self._now + self._costs.round_trip
        self._at(end, self._work, worker, self._costs.statement, self._commit)

    def _commit(self, worker: _Worker) -> None:
        self._at(self._now + self._costs.commit, self._end, worker)
        self._answer(worker)

    def _end(self, worker: _Worker) -> None:
        self._has_row = None
        self._lend()
        self._work(worker, self._costs.statement, self._committed)

    def _committed(self, worker: _Worker) -> None:
        worker.pause = PAUSE_SECONDS
        worker.counted.extend(worker.batch)
        self._begin(worker)
        if worker.is_idle:
            self._answer(worker)
        else:
            self._answer(worker, FIRST_ANSWERS)
            self._at(self._now + ANSWER_SECONDS, self._answer, worker)

    def _answer(self, worker: _Worker, most: int = BATCH_LIMIT) -> None:
        for _ in range(min(most, len(worker.counted))):
            asked = worker.counted.popleft()
            self._work(worker, self._costs.answer, self._answered(asked))

    def _answered(self, asked: float) -> Callable[[_Worker], None]:
        def answered(worker: _Worker) -> None:
            self._taken.append((self._now, self._now - asked))
            self._at(self._now, self._ask, worker)

        return answered
