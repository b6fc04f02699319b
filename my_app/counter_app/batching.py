"""Callers that wait at the same time share one commit.

A row lock is held until its commit is on disk, so with one statement per request the
commits run one after another. Here each worker has one writer, which takes all waiting
increments, adds them up per counter and commits once. Requests that arrive during a
commit form the next batch. After the commit, each caller gets its own number from the
interval its counter moved through.
"""

import asyncio
from collections import deque

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from my_app.counter_app import writing
from my_app.counter_app.increments import Counted, Increment
from my_app.counter_app.keys import Key
from my_app.counter_app.metrics import CountingMetrics
from my_app.counter_app.settings import CounterSettings
from my_app.counter_app.writing import Answers
from quart_chassis.database import words_of
from quart_chassis.observe import tracing

# The pause after a failure doubles up to the longest: a database that is away is not
# flooded, and one that returns is used within a second.
PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.4

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
        self.engine = engine
        self.metrics = metrics
        self.queue_limit = settings.QUEUE_LIMIT
        self.batch_limit = settings.BATCH_LIMIT
        self.wait_seconds = wait_seconds
        self.queue: deque[Increment] = deque()
        self.batch: list[Increment] = []
        self.arrival = asyncio.Event()
        self.idle = asyncio.Event()
        self.idle.set()
        self.alarm: asyncio.TimerHandle | None = None
        self.committing = False
        self.pause_seconds = PAUSE_SECONDS
        self.closed = False

    async def count(self, name: str, amount: int, key: Key | None) -> Counted:
        """See the function `count`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.wait_seconds
        increment = Increment(name, amount, key, deadline, loop.create_future())
        if self.closed or not self._has_room():
            self._give_up(increment)
        else:
            self._enqueue(increment)
        # A caller that leaves cancels its future, so the writer skips it.
        return await increment.answer

    def _has_room(self) -> bool:
        if len(self.queue) >= self.queue_limit:
            self.queue = deque(each for each in self.queue if not each.answer.done())
        return len(self.queue) < self.queue_limit

    def _enqueue(self, increment: Increment) -> None:
        self.queue.append(increment)
        self.metrics.queue.set(len(self.queue))
        self.idle.clear()
        self.arrival.set()
        if self.alarm is None:
            loop = asyncio.get_running_loop()
            self.alarm = loop.call_at(increment.deadline, self._expire)

    async def run(self) -> None:
        """Commit one batch after another, forever."""
        while True:
            await self.arrival.wait()
            self.arrival.clear()
            while self._somebody_waits():
                await self._commit()
            self.idle.set()

    async def drain(self) -> None:
        """Accept no more increments, and wait until the accepted ones are answered."""
        self.closed = True
        await self.idle.wait()

    def _somebody_waits(self) -> bool:
        while self.queue and self.queue[0].answer.done():
            self.queue.popleft()
        self.metrics.queue.set(len(self.queue))
        return bool(self.queue)

    async def _commit(self) -> None:
        """Commit a batch and answer it; if that fails, put back what may be retried."""
        self.committing = False
        try:
            async with asyncio.timeout(self.wait_seconds):
                answers = await self._write()
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
            return
        self.pause_seconds = PAUSE_SECONDS
        self.metrics.batch.observe(len(self.batch))
        self.metrics.answered(
            answer for each, answer in answers.known.items() if each.resolve(answer)
        )
        self.batch = []
        self.queue.extendleft(reversed(answers.again))

    async def _write(self) -> Answers:
        """Write a batch in one transaction; set `committing` when COMMIT is sent.

        Increments stay in the queue until there is a connection. After any failure the
        connection is terminated and not reused: its server may have stopped answering.
        """
        async with self.engine.connect() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            try:
                await connection.begin()
                self._take()
                with tracing.span("count", (each.asked_in for each in self.batch)):
                    answers = await writing.write(connection, self.batch)
                    self.committing = True
                    with self.metrics.commit_seconds.time():
                        await connection.commit()
            except BaseException:
                if raw is not None:
                    raw.terminate()
                # Else it would be rolled back, and that error would hide this one.
                await connection.invalidate()
                raise
        return answers

    def _take(self) -> None:
        """Move the increments that still wait into the batch, in order of arrival."""
        while self.queue and len(self.batch) < self.batch_limit:
            increment = self.queue.popleft()
            if not increment.answer.done():
                self.batch.append(increment)

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
        self.queue.extendleft(reversed(again))
        self.metrics.retries.inc(len(again))

    def _expire(self) -> None:
        """Give up increments past their deadline, and set the alarm for the next one.

        All may wait equally long, so deadlines pass in order of arrival: first those of
        the batch, then those of the queue from its head.
        """
        loop = asyncio.get_running_loop()
        self.alarm = None
        under_way = len(self.batch)
        for place, increment in enumerate((*self.batch, *self.queue)):
            if increment.answer.done():
                continue
            if increment.deadline > loop.time():
                self.alarm = loop.call_at(increment.deadline, self._expire)
                return
            increment.unknown |= place < under_way
            self._give_up(increment)

    def _give_up(self, increment: Increment) -> None:
        """Answer that the database did not serve."""
        failure = increment.failure()
        if increment.resolve(failure):
            self.metrics.answered([failure])
