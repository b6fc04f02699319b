"""Callers who wait at the same time share one commit.

A row lock is held until its commit is on disk, so one statement per request cannot go
faster than one commit after the other. Here a single writer takes all who wait, adds up
what they want, and commits once; who comes meanwhile forms the next batch. After the
commit each gets a number of its own out of those its counter moved through.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

import structlog
from quart import Quart, current_app
from sqlalchemy.ext.asyncio import AsyncEngine

from my_app import db, tracing
from my_app.counter_app import writing
from my_app.counter_app.metrics import CountingMetrics
from my_app.counter_app.writing import Answers, Counted, Increment
from my_app.settings import Settings

# After a failure, doubled each time, so that a database that is away is not asked
# without a pause, and is used within a second of its return.
PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.4

log = structlog.stdlib.get_logger()


def install(app: Quart, settings: Settings) -> None:
    """Give `app` a writer, which works as long as the app serves."""
    metrics = CountingMetrics(app.extensions["metrics"], settings.QUEUE_LIMIT)

    @app.while_serving
    async def write() -> AsyncGenerator[None, None]:
        writer = Writer(app.extensions["engine"], settings, metrics)
        app.extensions["writer"] = writer
        task = asyncio.create_task(writer.run())
        try:
            yield
        finally:
            await writer.drain()
            task.cancel()


async def count(name: str, amount: int = 1, key: str | None = None) -> Counted:
    """Add `amount` to the counter; its value after that.

    With a key it is counted once, however often it is asked for. DatabaseUnavailable
    after WAIT_SECONDS, or at once if too many wait; CounterFull if the sum would pass
    2**63 - 1; KeyReused if the key was used for another amount.
    """
    writer: Writer = current_app.extensions["writer"]
    return await writer.count(name, amount, key)


class Writer:
    """One queue, one batch under way, one connection."""

    def __init__(
        self, engine: AsyncEngine, settings: Settings, metrics: CountingMetrics
    ) -> None:
        self.engine = engine
        self.metrics = metrics
        self.queue_limit = settings.QUEUE_LIMIT
        self.batch_limit = settings.BATCH_LIMIT
        self.wait_seconds = settings.WAIT_SECONDS
        self.queue: deque[Increment] = deque()
        self.batch: list[Increment] = []
        self.arrival = asyncio.Event()
        self.idle = asyncio.Event()
        self.idle.set()
        self.alarm: asyncio.TimerHandle | None = None
        self.committing = False
        self.pause_seconds = PAUSE_SECONDS
        self.closed = False

    async def count(self, name: str, amount: int, key: str | None) -> Counted:
        """As the function `count`."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.wait_seconds
        increment = Increment(name, amount, key, deadline, loop.create_future())
        increment.answer.add_done_callback(self.metrics.answered)
        if self.closed or not self._has_room():
            increment.give_up()
        else:
            self._enqueue(increment)
        # Who leaves cancels the answer, and is then not taken into a batch.
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
        """Commit batch after batch, for ever."""
        while True:
            await self.arrival.wait()
            self.arrival.clear()
            while self._somebody_waits():
                await self._commit()
            self.idle.set()

    async def drain(self) -> None:
        """Take no more, and answer all who were taken."""
        self.closed = True
        await self.idle.wait()

    def _somebody_waits(self) -> bool:
        while self.queue and self.queue[0].answer.done():
            self.queue.popleft()
        self.metrics.queue.set(len(self.queue))
        return bool(self.queue)

    async def _commit(self) -> None:
        """Commit a batch and answer it, or put back who may be tried again."""
        self.committing = False
        try:
            async with asyncio.timeout(self.wait_seconds):
                answers = await self._write()
        except Exception as error:
            log.warning(
                "increments were not committed",
                reason=db.words_of(error),
                increments=len(self.batch) + len(self.queue),
                outcome="unknown" if self.committing else "not-counted",
            )
            self._put_back()
            await asyncio.sleep(self.pause_seconds)
            self.pause_seconds = min(2 * self.pause_seconds, LONGEST_PAUSE_SECONDS)
            return
        self.pause_seconds = PAUSE_SECONDS
        self.metrics.batch.observe(len(self.batch))
        for increment, answer in answers.known.items():
            increment.resolve(answer)
        self.batch = []
        self.queue.extendleft(reversed(answers.again))

    async def _write(self) -> Answers:
        """A batch in one transaction; `committing` from the moment COMMIT is sent.

        Who waits for a connection is still in the queue. A connection on which anything
        failed is cut off and not used again: it may be waiting for a server that fell
        silent.
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
                raise
        return answers

    def _take(self) -> None:
        """Make a batch of those who still wait, in the order they came."""
        while self.queue and len(self.batch) < self.batch_limit:
            increment = self.queue.popleft()
            if not increment.answer.done():
                self.batch.append(increment)

    def _put_back(self) -> None:
        """Back to the head of the queue, the limit notwithstanding.

        Before COMMIT was sent all are tried again. After that only those with a key,
        which tells whether they were counted; for the others nobody knows.
        """
        again = []
        for increment in self.batch:
            increment.unknown |= self.committing
            if self.committing and increment.key is None:
                increment.give_up()
            elif not increment.answer.done():
                again.append(increment)
        self.batch = []
        self.queue.extendleft(reversed(again))
        self.metrics.retries.inc(len(again))

    def _expire(self) -> None:
        """Answer those whose time is over, and set the alarm for the next one's.

        All may wait equally long, so who came first, in the batch or at the head of the
        queue, is the first whose time is over.
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
            increment.give_up()
