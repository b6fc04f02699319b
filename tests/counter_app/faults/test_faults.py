"""The trial: a load that keeps a ledger, faults, and whether it all adds up."""

import asyncio
import random
import secrets
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from quart_chassis.testing.postgres import OwnPostgres
from tests.counter_app.faults.cheats import CHEATS
from tests.counter_app.faults.ledger import NOT_COUNTED, UNKNOWN
from tests.counter_app.faults.load import Load
from tests.counter_app.faults.world import (
    FAULTS,
    QUICK,
    Fault,
    World,
    kill_postgres,
    kill_the_server,
    restart_postgres,
    strike,
    world,
)


@pytest.fixture(scope="module")
def postgres() -> Iterator[OwnPostgres]:
    """A server that waits for its disk, and is restarted by the tests."""
    with OwnPostgres() as server:
        yield server


async def try_out(
    tried: World, faults: list[Fault], seed: int, pause: float = 0.5
) -> Load:
    """Load while the faults happen; every key is resolved at the end."""
    chance = random.Random(seed)
    load = Load(tried.port, seed)
    await load.more(200)
    for fault in faults:
        await fault(tried, chance)
        await asyncio.sleep(chance.uniform(0, pause))
        assert await tried.problems() == []
    await load.more(200)
    await load.stop()
    return load


async def check(tried: World, load: Load) -> None:
    assert load.statuses == []
    assert await tried.problems() == []
    assert load.ledger.problems(await tried.stored()) == []


async def test_some_faults_lose_nothing_and_count_nothing_twice(
    postgres: OwnPostgres,
) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")
    names = random.Random(seed).sample(sorted(QUICK), k=4)
    async with world(postgres) as tried:
        load = await try_out(tried, [QUICK[name] for name in names], seed, 0.2)
        await check(tried, load)
        assert len(load.ledger.attempts) > 100


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
async def test_each_fault_loses_nothing_and_counts_nothing_twice(
    postgres: OwnPostgres, name: str
) -> None:
    async with world(postgres) as tried:
        load = await try_out(tried, [FAULTS[name]] * 3, seed=1)
        await check(tried, load)


async def test_mixed_faults_lose_nothing_and_count_nothing_twice(
    postgres: OwnPostgres,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As long as --faults-minutes says; --faults-seed plays a run again."""
    minutes = request.config.getoption("--faults-minutes", 0)
    if not minutes:
        pytest.skip("runs with --faults-minutes N")
    seed = request.config.getoption("--faults-seed", 0) or secrets.randbits(32)
    with capsys.disabled():
        print(f"\nseed {seed}", flush=True)
    chance = random.Random(seed)
    happened: Counter[str] = Counter()
    end = time.monotonic() + 60 * minutes
    async with world(postgres) as tried:
        load = Load(tried.port, seed)
        while time.monotonic() < end:
            name = chance.choice(sorted(FAULTS))
            happened[name] += 1
            await FAULTS[name](tried, chance)
            await asyncio.sleep(chance.uniform(0.2, 2))
            assert await tried.problems() == []
        await load.stop()
        stored = await tried.stored()
        with capsys.disabled():
            report(load, happened, stored)
        await check(tried, load)


def report(load: Load, happened: Counter[str], stored: dict[str, int]) -> None:
    attempts = load.ledger.attempts
    increments = [each for found in load.ledger.increments().values() for each in found]
    acknowledged = sum(bool(each.counted) for each in increments)
    doubtful = sum(each.may_be_stored for each in increments) - acknowledged
    for name, times in sorted(happened.items()):
        print(f"{times:4} {name}")
    outcomes = Counter(each.outcome for each in attempts)
    print(f"requests {len(attempts)}: {dict(outcomes)}; reads {len(load.ledger.reads)}")
    print(f"increments {len(increments)}: acknowledged {acknowledged}")
    print(f"unknown {doubtful}; new counters refused {load.refused} of {load.new}")
    for counter, found in sorted(load.ledger.increments().items()):
        if counter.startswith("new-"):
            continue
        known = sum(bool(each.counted) for each in found)
        most = sum(each.may_be_stored for each in found)
        print(f"{counter}: {known} <= stored {stored.get(counter, 0)} <= {most}")


# What each cheat is shown by; a crash of PostgreSQL catches the last one by chance.
SHOWN_BY: dict[str, list[Fault]] = {
    "read-modify-write": [],
    "answers before COMMIT": [strike("before COMMIT", 0)],
    "retries blindly": [strike("after COMMIT", 0)],
    "flushes every second": [kill_the_server],
    "commits to memory": [kill_postgres] * 3,
}


@pytest.mark.slow
@pytest.mark.parametrize("cheat", CHEATS)
async def test_every_cheat_is_caught(postgres: OwnPostgres, cheat: str) -> None:
    for seed in range(10):
        async with world(postgres, cheat) as tried:
            load = await try_out(tried, SHOWN_BY[cheat], seed)
            found = load.ledger.problems(await tried.stored())
        if found:
            requests = len(load.ledger.attempts)
            print(f"{cheat}: run {seed + 1}, {requests} requests: {found[0]}")
            return
    pytest.fail(f"{cheat} was not caught")


@pytest.mark.slow
async def test_who_comes_while_postgres_restarts_waits_and_is_answered(
    postgres: OwnPostgres,
) -> None:
    """Only who was inside COMMIT may be told that nothing is known."""
    async with world(postgres) as tried:
        load = await try_out(tried, [restart_postgres], seed=1)
        await check(tried, load)
    outcomes = Counter(each.outcome for each in load.ledger.attempts)
    assert outcomes[NOT_COUNTED] == 0
    assert outcomes[UNKNOWN] <= len(load.tasks)


@pytest.mark.slow
async def test_more_than_the_queue_holds_are_shed_and_nobody_is_lost(
    postgres: OwnPostgres,
) -> None:
    async with world(postgres, QUEUE_LIMIT="5") as tried:
        load = Load(tried.port, seed=1, clients=64)
        await FAULTS["held row"](tried, random.Random(1))
        before = len(load.ledger.attempts)
        await asyncio.sleep(0.5)
        await load.stop()
        await check(tried, load)
    shed = [each for each in load.ledger.attempts if each.outcome == NOT_COUNTED]
    assert shed
    assert len(load.ledger.attempts) > before
