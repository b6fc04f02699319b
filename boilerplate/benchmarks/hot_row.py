"""One row that many writers count: measured, and simulated for up to a thousand."""

import asyncio
import re
import time
from collections.abc import Iterator
from statistics import median

import asyncpg

from boilerplate.benchmarks.running import Track
from boilerplate.benchmarks.simulation import Costs, Outcome, Simulation
from my_app.counter_app import history, queries
from quart_chassis.database.connections import LimitedConnection, Succession
from quart_chassis.errors import say
from quart_chassis.testing.servers import ROOT

CURVES = ROOT / "boilerplate" / "benchmarks" / "curves.md"
# What of the curves one row explains: its table, the point, and what is simulated.
POINTS = {
    ("clients", "1"): (1, Costs()),
    ("clients", "8"): (8, Costs()),
    ("clients", "64"): (64, Costs()),
    ("clients", "256"): (256, Costs()),
    ("clients", "512"): (512, Costs()),
    **{
        ("commits slower by", f"{ms} ms"): (64, Costs(commit=Costs.commit + ms / 1000))
        for ms in (0, 1, 2, 5, 10)
    },
    ("the database 1 ms away", "our page"): (
        64,
        Costs(round_trip=Costs.round_trip + 1e-3, commit=Costs.commit + 1e-3),
    ),
}
COMMITS_MS = (0.5, 2, 5, 10)
WRITERS = (1, 3, 10, 30, 60, 100, 150, 300, 1000)
CLIENTS = 64
# Another continent is so far away, there and back.
AWAY = 0.06
REGIONS = {
    "beside a primary that waits for a standby far away": Costs(commit=AWAY),
    "far away from a primary that waits for nobody": Costs(
        round_trip=AWAY, commit=AWAY + Costs.commit
    ),
}
MEASURED = (1, 4, 16, 64, 160)
SLOWER_MS = 2


def points() -> dict[tuple[str, str], tuple[float, float]]:
    """The points of the curves that one row explains: requests/s and the p50 in ms."""
    table = ""
    found = {}
    for line in CURVES.read_text("utf-8").splitlines():
        if line.startswith("## "):
            table = line.removeprefix("## ")
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if (table, cells[0]) in POINTS:
            numbers = [float(re.sub(",", "", cell)) for cell in (cells[1], cells[3])]
            found[table, cells[0]] = (numbers[0], numbers[1])
    return found


def simulated(point: tuple[str, str]) -> Outcome:
    """The same of one worker."""
    clients, costs = POINTS[point]
    return Simulation(1, clients, costs).run(4)


def tables(track: Track, rounds: int, seconds: int) -> Iterator[str]:
    """What was measured beside what is simulated, and then what nobody measured."""
    yield "\n## The simulation beside `curves.md`\n"
    yield "| | requests/s | simulated | | p50 ms | simulated |"
    yield "|---|---|---|---|---|---|"
    for (table, label), (per_second, p50) in points().items():
        told = simulated((table, label))
        yield (
            f"| {table}: {label} | {per_second:,.0f} | {told.per_second:,.0f} | "
            f"{told.per_second / per_second - 1:+.0%} | {p50:.1f} | "
            f"{told.p50 * 1000:.1f} |"
        )
    yield f"\n## Writers on one row, commits {SLOWER_MS} ms slower\n"
    yield (
        f"Each writer sends one batch after another, all from one process; medians of "
        f"{rounds} rounds of {seconds} s. PostgreSQL does not lend the row in the "
        "order in which they came: half of them wait less than is simulated.\n"
    )
    yield "| writers | commits/s | simulated | | p50 ms | simulated |"
    yield "|---|---|---|---|---|---|"
    yield from _measured(track, rounds, seconds)
    yield f"\n## Simulated: workers with {CLIENTS} clients each\n"
    yield "| workers | a commit takes | requests/s | p50 ms | failed |"
    yield "|---|---|---|---|---|"
    for commit in COMMITS_MS:
        for workers in WRITERS:
            costs = Costs(commit=commit / 1000)
            told = Simulation(workers, CLIENTS, costs).run(20)
            line = (
                f"| {workers:,} | {commit} ms | {told.per_second:,.0f} | "
                f"{told.p50 * 1000:,.0f} | {told.failed:.0%} |"
            )
            say(line)
            yield line
    yield f"\n## Simulated: a primary or a standby {AWAY * 1000:.0f} ms away\n"
    yield "| workers | where they are | clients of each | requests/s | p50 ms |"
    yield "|---|---|---|---|---|"
    for where, costs in REGIONS.items():
        for workers, clients in ((1, 64), (1, 1000), (3, 1000)):
            told = Simulation(workers, clients, costs).run(20)
            yield (
                f"| {workers} | {where} | {clients:,} | {told.per_second:,.0f} | "
                f"{told.p50 * 1000:,.0f} |"
            )


def _measured(track: Track, rounds: int, seconds: int) -> Iterator[str]:
    track.slow_down(SLOWER_MS)
    taken: dict[int, list[list[float]]] = {writers: [] for writers in MEASURED}
    for _ in range(rounds):
        for writers, found in taken.items():
            found.append(asyncio.run(_write(track.url, writers, seconds)))
    track.slow_down(0)
    alone = median(median(each) for each in taken[1])
    for writers, found in taken.items():
        per_second = median(len(each) for each in found) / seconds
        p50 = median(median(each) for each in found)
        # Their clients are they themselves, and all that they do is to commit.
        costs = Costs(0, 0, 0, 0, alone, Costs.waiting)
        told = Simulation(writers, 1, costs).run(20)
        line = (
            f"| {writers} | {per_second:,.0f} | {told.per_second:,.0f} | "
            f"{told.per_second / per_second - 1:+.0%} | {p50 * 1000:,.1f} | "
            f"{told.p50 * 1000:,.1f} |"
        )
        say(line)
        yield line


async def _write(url: str, writers: int, seconds: int) -> list[float]:
    """How long each batch took of so many writers."""
    taken: list[float] = []
    end = time.monotonic() + seconds

    async def write() -> None:
        raw = await asyncpg.connect(url, connection_class=LimitedConnection)
        transactions = Succession(raw)
        while (began := time.monotonic()) < end:
            await transactions.begin()
            await queries.add(transactions, {"hot": 1})
            await history.add_days(transactions, {"hot": 1})
            await transactions.commit(goes_on=True)
            taken.append(time.monotonic() - began)
        await raw.close()

    await asyncio.gather(*(write() for _ in range(writers)))
    return taken
