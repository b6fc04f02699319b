"""The writer against a model: whatever happens, in any order, every answer is right."""

import asyncio
from collections import deque
from dataclasses import dataclass

import asyncpg
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from my_app.counter_app.increments import (
    Counted,
    CounterFull,
    KeyReused,
)
from my_app.counter_app.settings import LARGEST_VALUE
from quart_chassis.database import DatabaseUnavailable
from tests.counter_app.writers import Stage, at_work, wrong_sums

BATCH_LIMIT, QUEUE_LIMIT = 4, 6
# What fits into the counter `full` when a trial begins.
ROOM = 5

WANTED = st.tuples(
    st.sampled_from(["a", "b", "full"]),
    st.integers(1, 3),
    st.sampled_from([None, None, "k1", "k2"]),
)
FAILURES = ["", "", "before COMMIT", "COMMIT not sent", "answer lost"]
PLACES = st.lists(st.integers(0, QUEUE_LIMIT + BATCH_LIMIT), max_size=2)

Outcome = Counted | type[Exception]
prefixes = iter(range(1_000_000))


@dataclass(eq=False)
class Caller:
    """Somebody who asked, and may leave."""

    name: str
    amount: int
    key: str | None
    task: asyncio.Task[Counted]
    left: bool = False

    def leave(self) -> None:
        self.left = True
        self.task.cancel()


class Model:
    """What the database must hold, worked out one increment after the other."""

    def __init__(self, totals: dict[str, int]) -> None:
        self.totals = totals
        self.keys: dict[tuple[str, str], tuple[int, int]] = {}

    def commit(self, batch: list[Caller]) -> dict[Caller, Outcome | None]:
        """What each is answered; None: its key's owner was refused, so once more."""
        refused: set[tuple[str, str]] = set()
        return {caller: self._count(caller, refused) for caller in batch}

    def _count(self, caller: Caller, refused: set[tuple[str, str]]) -> Outcome | None:
        key = (caller.name, caller.key or "")
        if caller.key and key in self.keys:
            amount, value = self.keys[key]
            return Counted(value, True) if amount == caller.amount else KeyReused
        if key in refused:
            return None
        value = self.totals[caller.name] + caller.amount
        if value > LARGEST_VALUE:
            if caller.key:
                refused.add(key)
            return CounterFull
        self.totals[caller.name] = value
        if caller.key:
            self.keys[key] = (caller.amount, value)
        return Counted(value, False)


class WriterMachine(RuleBasedStateMachine):
    """Arrivals, departures, batches and failures, as Hypothesis pleases."""

    def __init__(self, database: str) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        prefix = f"x{next(prefixes)}-"
        self.names = {name: prefix + name for name in ("a", "b", "full")}
        self.model = Model(dict.fromkeys(self.names.values(), 0))
        self.queue: deque[Caller] = deque()
        self.runner.run(self._begin(database))

    async def _begin(self, database: str) -> None:
        full = self.names["full"]
        self.model.totals[full] = LARGEST_VALUE - ROOM
        connection = await asyncpg.connect(database)
        await connection.execute(
            "INSERT INTO counters (name, value, base) VALUES ($1, $2, $2)",
            full,
            LARGEST_VALUE - ROOM,
        )
        await connection.close()
        self.stage = Stage(
            database,
            BATCH_LIMIT=BATCH_LIMIT,
            QUEUE_LIMIT=QUEUE_LIMIT,
            NEW_COUNTERS_PER_MINUTE=1_000_000,
        )
        self.working = at_work(self.stage)
        await self.working.__aenter__()

    @initialize(wanted=st.lists(WANTED, max_size=QUEUE_LIMIT))
    def several_arrive(self, wanted: list[tuple[str, int, str | None]]) -> None:
        for each in wanted:
            self.arrive(each)

    @rule(wanted=WANTED)
    def arrive(self, wanted: tuple[str, int, str | None]) -> None:
        self.runner.run(self._arrive(wanted))

    async def _arrive(self, wanted: tuple[str, int, str | None]) -> None:
        caller = self._ask(wanted)
        await asyncio.sleep(0)
        if caller not in self.queue:
            check(caller, DatabaseUnavailable, committed=False)

    def _ask(self, wanted: tuple[str, int, str | None]) -> Caller:
        """A new caller, who is in the queue unless that is full."""
        name, amount, key = self.names[wanted[0]], *wanted[1:]
        task = asyncio.get_running_loop().create_task(
            self.stage.count(name, amount, key)
        )
        caller = Caller(name, amount, key, task)
        if len(self.queue) < QUEUE_LIMIT:
            self.queue.append(caller)
        return caller

    @rule(place=st.integers(0, QUEUE_LIMIT))
    def leave(self, place: int) -> None:
        self.runner.run(self._leave(place))

    async def _leave(self, place: int) -> None:
        if place < len(self.queue):
            self.queue[place].leave()
            del self.queue[place]
        await asyncio.sleep(0)

    @rule(
        failure=st.sampled_from(FAILURES),
        leaving=PLACES,
        arriving=st.lists(WANTED, max_size=3),
    )
    def commit(
        self,
        failure: str,
        leaving: list[int],
        arriving: list[tuple[str, int, str | None]],
    ) -> None:
        """One batch, while some of it and of the queue leave, and others arrive."""
        if self.queue:
            self.runner.run(self._commit(failure, leaving, arriving))

    async def _commit(
        self,
        failure: str,
        leaving: list[int],
        arriving: list[tuple[str, int, str | None]],
    ) -> None:
        size = min(BATCH_LIMIT, len(self.queue))
        batch = [self.queue.popleft() for _ in range(size)]
        turned_away: list[Caller] = []

        def meanwhile() -> None:
            assert len(self.stage.writer.batch) == size
            present = [*batch, *self.queue]
            for caller in {present[place] for place in leaving if place < len(present)}:
                caller.leave()
                if caller in self.queue:
                    self.queue.remove(caller)
            for wanted in arriving:
                caller = self._ask(wanted)
                if caller not in self.queue:
                    turned_away.append(caller)

        await self.stage.batch(failure, meanwhile)
        assert await wrong_sums(self.stage.database) == []
        for caller in turned_away:
            check(caller, DatabaseUnavailable, committed=False)
        self._settle(batch, failure)

    def _settle(self, batch: list[Caller], failure: str) -> None:
        happened = failure in {"", "answer lost"}
        outcomes = self.model.commit(batch) if happened else {}
        again = []
        for caller in batch:
            if caller.left:
                continue
            outcome = outcomes.get(caller)
            if not failure and outcome is not None:
                check(caller, outcome)
            elif failure in {"COMMIT not sent", "answer lost"} and caller.key is None:
                check(caller, DatabaseUnavailable, committed=None)
            else:
                assert not caller.task.done()
                again.append(caller)
        self.queue.extendleft(reversed(again))

    def teardown(self) -> None:
        try:
            self.runner.run(self._end())
        finally:
            self.runner.close()

    async def _end(self) -> None:
        while self.queue:
            await self._commit("", [], [])
        for _ in range(len(self.model.keys) + 1):
            # For the replays below, and for a batch whose callers have all left.
            self.stage.turns.release()
        for (name, key), (amount, value) in self.model.keys.items():
            assert await self.stage.count(name, amount, key) == Counted(value, True)
        for name, total in self.model.totals.items():
            assert await self.stage.stored(name) == total
        assert await wrong_sums(self.stage.database) == []
        await self.working.__aexit__(None, None, None)


def check(caller: Caller, outcome: Outcome, committed: bool | None = False) -> None:
    """That the caller was answered so."""
    assert caller.task.done()
    if isinstance(outcome, Counted):
        assert caller.task.result() == outcome
        return
    error = caller.task.exception()
    assert isinstance(error, outcome)
    if isinstance(error, DatabaseUnavailable):
        assert error.committed is committed


def run(database: str, examples: int) -> None:
    class Machine(WriterMachine):
        def __init__(self) -> None:
            super().__init__(database)

    run_state_machine_as_test(
        Machine,
        settings=hypothesis_settings(
            max_examples=examples,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_whatever_happens_everything_is_counted_once_or_told_unknown(
    database: str,
) -> None:
    """Seen to fail on writers that try unknowns again blindly, answer before COMMIT,
    count who has left, forget what is unknown, put back at the tail, ignore a key's
    amount, or let in more than the queue's limit."""
    run(database, examples=8)


@pytest.mark.slow
def test_whatever_happens_at_length(database: str) -> None:
    run(database, examples=400)
