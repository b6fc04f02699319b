"""Callers that wait at the same time share one commit.

A row lock is held until its commit is on disk, so with one statement per request the
commits run one after another. Here each worker has one writer, which takes all waiting
increments, adds them up per counter and commits once. Requests that arrive during a
commit form the next batch. After the commit, each caller gets its own number from the
interval its counter moved through: while the next commit is under way, if there is one,
because the writer and the callers share one processor.
"""

import asyncio

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from my_app.counter_app import writing
from my_app.counter_app.bounds import Bounds
from my_app.counter_app.increments import Counted, Increment
from my_app.counter_app.keys import Key
from my_app.counter_app.metrics import CountingMetrics
from my_app.counter_app.settings import CounterSettings
from my_app.counter_app.waiting import Queue
from quart_chassis.database import Succession, in_succession, words_of
from quart_chassis.observe import tracing

# The pause after a failure doubles up to the longest: a database that is away is not
# flooded, and one that returns is used within a second.
PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.4
# The first answers of a batch are given while the next batch's statement is under way,
# the others while its COMMIT is, but after this time at the latest: rows may be locked.
FIRST_ANSWERS = 8
ANSWER_SECONDS = 0.001
# After so many, who else waits for a connection gets it.
BATCHES_PER_CONNECTION = 16

log = structlog.stdlib.get_logger()


class Writer:
    """One queue, one batch under way and one connection per worker."""

    def __init__(
        self,
        engine: AsyncEngine,
        settings: CounterSettings,
        wait_seconds: float,
        metrics: CountingMetrics,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.engine = engine
        self.metrics = metrics
        self.batch_limit = settings.BATCH_LIMIT
        self.bounds = Bounds(settings)
        self.wait_seconds = wait_seconds
        self.queue = Queue(settings.QUEUE_LIMIT, metrics.queue)
        self.batch: list[Increment] = []
        self.committed: list[tuple[Increment, Counted | Exception]] = []
        self.arrival = asyncio.Event()
        self.idle = asyncio.Event()
        self.idle.set()
        self.alarm: asyncio.TimerHandle | None = None
        self.committing = False
        self.pause_seconds = PAUSE_SECONDS
        self.closed = False

    async def count(self, name: str, amount: int, key: Key | None) -> Counted:
        """See the function `count`."""
        deadline = self.loop.time() + self.wait_seconds
        increment = Increment(name, amount, key, deadline, self.loop.create_future())
        if self.closed or not self.queue.has_room():
            self._give_up(increment)
        else:
            self._enqueue(increment)
        # A caller that leaves cancels its future, so the writer skips it.
        return await increment.answer

    def _enqueue(self, increment: Increment) -> None:
        self.queue.append(increment)
        self.idle.clear()
        self.arrival.set()
        if self.alarm is None:
            self.alarm = self.loop.call_at(increment.deadline, self._expire)

    async def run(self) -> None:
        """Commit one batch after another, forever."""
        while True:
            await self.arrival.wait()
            self.arrival.clear()
            while self.queue.somebody_waits():
                await self._commit()
            self._answer()
            self.idle.set()

    async def drain(self) -> None:
        """Accept no more increments, and wait until the accepted ones are answered."""
        self.closed = True
        await self.idle.wait()

    async def _commit(self) -> None:
        """Commit batches on a connection; if one fails, put back what may be tried."""
        self.committing = False
        try:
            async with (
                asyncio.timeout(self.wait_seconds) as limit,
                in_succession(self.engine) as transactions,
            ):
                for _ in range(BATCHES_PER_CONNECTION):
                    if not self.queue.somebody_waits():
                        break
                    limit.reschedule(self.loop.time() + self.wait_seconds)
                    await self._write(transactions)
        except Exception as error:
            log.warning(
                "increments were not committed",
                reason=words_of(error),
                increments=len(self.batch) + len(self.queue),
                outcome="unknown" if self.committing else "not-counted",
            )
            self._put_back()
            await asyncio.sleep(self.pause_seconds)
            self.pause_seconds = min(2 * self.pause_seconds, LONGEST_PAUSE_SECONDS)

    async def _write(self, transactions: Succession) -> None:
        """Write a batch in one transaction; set `committing` when COMMIT is sent.

        Increments stay in the queue until there is a connection.
        """
        await transactions.begin()
        self.batch = self.queue.take(self.batch_limit)
        with tracing.span("count", (each.asked_in for each in self.batch)):
            answers = await writing.write(transactions, self.batch, self.bounds)
            # Whoever is answered meanwhile may come again.
            goes_on = bool(self.queue or self.committed)
            self.loop.call_soon(self._answer)
            self.committing = True
            with self.metrics.commit_seconds.time():
                await transactions.commit(goes_on=goes_on)
            self.committing = False
        self.pause_seconds = PAUSE_SECONDS
        self.metrics.batch.observe(len(self.batch))
        self.bounds.remember()
        self.batch = []
        self.queue.put_back(answers.again)
        self.committed += answers.known.items()
        if self.queue:
            self.loop.call_soon(self._answer, FIRST_ANSWERS)
            self.loop.call_later(ANSWER_SECONDS, self._answer)
        else:
            self._answer()

    def _answer(self, most: int | None = None) -> None:
        """Give callers, or the first of them, their numbers, which are committed."""
        committed = self.committed[:most]
        del self.committed[:most]
        self.metrics.answered(
            answer for each, answer in committed if each.resolve(answer)
        )

    def _put_back(self) -> None:
        """Return the batch to the head of the queue, even over the queue's limit.

        If COMMIT was not sent, all increments are tried again. If it was sent, only
        those with a key are: the key tells whether they were counted. The outcome of
        the others stays unknown.
        """
        again = []
        for increment in self.batch:
            increment.unknown |= self.committing
            if self.committing and increment.key is None:
                self._give_up(increment)
            elif not increment.answer.done():
                again.append(increment)
        self.batch = []
        self.queue.put_back(again)
        self.metrics.retries.inc(len(again))

    def _expire(self) -> None:
        """Give up increments past their deadline, and set the alarm for the next one.

        All may wait equally long, so deadlines pass in order of arrival: first those of
        the batch, then those of the queue from its head.
        """
        self.alarm = None
        under_way = len(self.batch)
        for place, increment in enumerate((*self.batch, *self.queue)):
            if increment.answer.done():
                continue
            if increment.deadline > self.loop.time():
                self.alarm = self.loop.call_at(increment.deadline, self._expire)
                return
            increment.unknown |= place < under_way
            self._give_up(increment)

    def _give_up(self, increment: Increment) -> None:
        """Answer that the database did not serve."""
        failure = increment.failure()
        if increment.resolve(failure):
            self.metrics.answered([failure])
