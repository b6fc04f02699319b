"""The trial on a failover cluster: its primary goes, and counting goes on.

Every fault is one that Patroni is there for: it ends with another primary.
"""

import asyncio
import random
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise

import asyncpg
import psutil
import pytest

from quart_chassis.database import migrations
from quart_chassis.features import load_settings
from quart_chassis.project import Project
from quart_chassis.testing import patroni
from quart_chassis.testing.patroni import Cluster
from quart_chassis.testing.postgres import free_port
from quart_chassis.testing.servers import ROOT, manage, running
from tests.counter_app.faults.load import Load
from tests.counter_app.faults.test_faults import report
from tests.counter_app.writers import wrong_sums

# What is promised: an application goes on by itself within so many seconds.
LONGEST_GAP_SECONDS = 10

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(patroni.why_not()), reason=patroni.why_not()),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with patroni.cluster() as made:
        yield made


@asynccontextmanager
async def counting(cluster: Cluster, *hosts: str) -> AsyncIterator[int]:
    """The port of the application on an empty database of the cluster."""
    url = cluster.url(*hosts)
    await emptied(url)
    port = free_port()
    command = manage("run", "--port", str(port), "--workers", "2")
    environment = {
        "DATABASE_URL": url,
        "KEYS_PER_MINUTE": "1000000",
        "LOG_LEVEL": "WARNING",
    }
    with running(command, ROOT, measured=False, **environment) as server:
        yield port
    # Shown where the test fails.
    print("\n".join(server.lines[-40:]))


async def emptied(url: str) -> None:
    """A database with the schema and no rows."""
    connection = await asyncpg.connect(url)
    await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await connection.close()
    await migrations.to_revision(load_settings(Project.of("my_app"), DATABASE_URL=url))


Fault = Callable[[Cluster, random.Random], Awaitable[None]]


async def kill_the_primary(cluster: Cluster, chance: random.Random) -> None:
    leader = await asyncio.to_thread(cluster.primary)
    signal_all(cluster.backends(leader), psutil.Process.kill)
    await asyncio.to_thread(cluster.wait_for_another, leader)


async def kill_patroni(cluster: Cluster, chance: random.Random) -> None:
    """Its PostgreSQL goes on, and takes itself for the primary."""
    leader = await asyncio.to_thread(cluster.primary)
    cluster.patroni(leader).kill()
    await asyncio.to_thread(cluster.wait_for_another, leader)
    await asyncio.sleep(chance.uniform(0, 2))
    await asyncio.to_thread(cluster.start_patroni, leader)


async def freeze_the_primary(cluster: Cluster, chance: random.Random) -> None:
    """All of its machine, which wakes up as what it was."""
    leader = await asyncio.to_thread(cluster.primary)
    processes = cluster.nodes[leader].processes()
    signal_all(processes, psutil.Process.suspend)
    try:
        await asyncio.to_thread(cluster.wait_for_another, leader)
        await asyncio.sleep(chance.uniform(0, 2))
    finally:
        signal_all(processes, psutil.Process.resume)


async def switch_over(cluster: Cluster, chance: random.Random) -> None:
    leader = await asyncio.to_thread(cluster.primary)
    await asyncio.to_thread(cluster.switch_over)
    await asyncio.to_thread(cluster.wait_for_another, leader)


async def cut_the_primary_off(cluster: Cluster, chance: random.Random) -> None:
    leader = await asyncio.to_thread(cluster.primary)
    cluster.nodes[leader].cut_off()
    try:
        await asyncio.to_thread(cluster.wait_for_another, leader)
        await asyncio.sleep(chance.uniform(0, 2))
    finally:
        cluster.nodes[leader].reconnect()


async def cut_a_standby_off(cluster: Cluster, chance: random.Random) -> None:
    """The synchronous one: commits wait until another one takes its place."""
    members = await asyncio.to_thread(cluster.members)
    (name,) = [name for name in members if members[name]["role"] == "sync_standby"]
    cluster.nodes[name].cut_off()
    try:
        await asyncio.sleep(chance.uniform(4, 8))
    finally:
        cluster.nodes[name].reconnect()


FAULTS: dict[str, Fault] = {
    "killed primary": kill_the_primary,
    "killed Patroni": kill_patroni,
    "frozen primary": freeze_the_primary,
    "switchover": switch_over,
    "primary cut off": cut_the_primary_off,
    "standby cut off": cut_a_standby_off,
}


def signal_all(
    processes: list[psutil.Process], sent: Callable[[psutil.Process], None]
) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            sent(process)


async def strike(
    cluster: Cluster, load: Load, fault: Fault, chance: random.Random
) -> float:
    """The longest time in seconds in which nothing was counted, over one fault."""
    await asyncio.to_thread(cluster.wait_until_whole)
    began = time.monotonic()
    await fault(cluster, chance)
    await load.more(200)
    return longest_gap(load, began)


def longest_gap(load: Load, since: float) -> float:
    answered = sorted(
        each.answered
        for each in load.ledger.attempts
        if each.outcome == "counted" and each.answered >= since
    )
    times = [since, *answered]
    return max(later - before for before, later in pairwise(times))


async def check(url: str, load: Load) -> dict[str, int]:
    """Each counter's value, if nothing is wrong with them."""
    assert load.statuses == []
    assert await wrong_sums(url) == []
    connection = await asyncpg.connect(url)
    found = await connection.fetch("SELECT name, value FROM counters")
    await connection.close()
    values = {row["name"]: row["value"] for row in found}
    assert load.ledger.problems(values) == []
    return values


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("first", patroni.NODES)
async def test_a_failover_loses_nothing_and_counts_nothing_twice(
    cluster: Cluster, name: str, first: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whichever host the URL names first."""
    hosts = [first, *(node for node in patroni.NODES if node != first)]
    await asyncio.to_thread(cluster.wait_until_whole)
    async with counting(cluster, *hosts) as port:
        load = Load(port, seed=1)
        await load.more(200)
        gap = await strike(cluster, load, FAULTS[name], random.Random())
        await load.stop()
        values = await check(cluster.url(), load)
    with capsys.disabled():
        print(f"\n{name}, {first} first: nothing counted for {gap:.1f} s")
        report(load, Counter(), values)
    assert gap < LONGEST_GAP_SECONDS


async def test_mixed_failovers_lose_nothing_and_count_nothing_twice(
    cluster: Cluster,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As long as --faults-minutes says."""
    minutes = request.config.getoption("--faults-minutes", 0)
    if not minutes:
        pytest.skip("runs with --faults-minutes N")
    seed = request.config.getoption("--faults-seed", 0) or secrets.randbits(32)
    with capsys.disabled():
        print(f"\nseed {seed}", flush=True)
    chance = random.Random(seed)
    happened: Counter[str] = Counter()
    gaps: list[float] = []
    end = time.monotonic() + 60 * minutes
    await asyncio.to_thread(cluster.wait_until_whole)
    async with counting(cluster) as port:
        load = Load(port, seed)
        while time.monotonic() < end:
            name = chance.choice(sorted(FAULTS))
            happened[name] += 1
            gaps.append(await strike(cluster, load, FAULTS[name], chance))
        await load.stop()
        connection = await asyncpg.connect(cluster.url())
        found = await connection.fetch("SELECT name, value FROM counters")
        await connection.close()
        with capsys.disabled():
            report(load, happened, {row["name"]: row["value"] for row in found})
            print(f"gaps in seconds: {', '.join(f'{gap:.1f}' for gap in gaps)}")
        await check(cluster.url(), load)
    assert max(gaps) < LONGEST_GAP_SECONDS
