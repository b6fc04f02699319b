"""Our page under one changing condition at a time."""

import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from boilerplate.benchmarks import patience, pythons
from boilerplate.benchmarks.field import FIELD, PAGE, Contender
from boilerplate.benchmarks.load import OF_MANY, POST
from boilerplate.benchmarks.running import Choice, Measured, Track
from quart_chassis.errors import say
from quart_chassis.testing.postgres import free_port
from quart_chassis.testing.servers import ROOT

SETTING = Choice(5, False)
HYPERCORN = "-m hypercorn --bind 127.0.0.1:{port} my_app.asgi:app"
GRANIAN = (
    "-m granian --interface asgi --log-level warning --host 127.0.0.1 --port {port} "
    "my_app.asgi:app"
)
# Granian is among the contenders' packages; what it serves is here.
PATHS = f"{ROOT}:{sysconfig.get_path('purelib')}"
INCREMENT = "/api/counters/home/increment"
# Rows besides the one that is counted, in both tables.
FILL = (
    "INSERT INTO counters (name, value, base) "
    "SELECT 'filled-' || each, 1, 1 FROM generate_series(1, {rows}) AS each",
    "INSERT INTO idempotency_keys (counter_name, key, amount, value) "
    "SELECT 'filled', each, 1, 1 FROM generate_series(1, {rows}) AS each",
    "VACUUM ANALYZE",
)
PEERS = (
    "FastAPI + SQLAlchemy",
    "Starlette + asyncpg",
    "Fastify + pg",
)


@dataclass(frozen=True)
class Point:
    """A condition: what is other than usual."""

    label: str
    who: Contender = PAGE
    clients: int = 64
    delay_ms: int = 0
    rows: int = 0
    away_ms: int = 0
    choice: Choice = SETTING


def _named(name: str) -> Contender:
    return next(each for each in FIELD if each.name == name)


def _with(words: str = "", **environment: str) -> Contender:
    return replace(PAGE, words=words or PAGE.words, environment=environment)


def _counting(script: str) -> Contender:
    return replace(PAGE, path=INCREMENT, script=script)


def _of_many(counters: int) -> Contender:
    return _counting(OF_MANY.format(counters=counters))


CURVES = {
    "clients": [
        *(Point(f"{each}", clients=each) for each in (1, 8, 64, 256, 512)),
        Point("1, the statement alone (pgbench)", _named("pgbench, without a server")),
    ],
    "counters": [
        Point("1", _counting(POST)),
        *(Point(f"{each:,}", _of_many(each)) for each in (100, 10_000)),
    ],
    "commits slower by": [Point(f"{ms} ms", delay_ms=ms) for ms in (0, 1, 2, 5, 10)],
    "workers": [Point("1", _with(WORKERS="1")), Point("2", _with(WORKERS="2"))],
    "rows in both tables": [
        Point(f"{rows:,}", rows=rows) for rows in (1_000, 10_000, 1_000_000)
    ],
    "server": [
        Point("uvicorn"),
        Point("hypercorn", _with(HYPERCORN)),
        Point(
            "granian",
            replace(_with(GRANIAN, PYTHONPATH=PATHS), program="theirs", at=ROOT),
        ),
    ],
    "the database 1 ms away": [
        Point("our page", away_ms=1),
        *(
            Point(each, _named(each), away_ms=1, choice=Choice(20, freeze=False))
            for each in PEERS
        ),
    ],
}
CURVES["clients"][-1] = replace(CURVES["clients"][-1], choice=Choice(1, False))


def tables(track: Track, rounds: int, seconds: int) -> Iterator[str]:
    """Each curve as a table in Markdown."""
    installed = pythons.contenders()
    for program, who in installed.values():
        track.programs[who.program] = program
    of_pythons = [Point(version, who) for version, (_, who) in installed.items()]
    for name, points in [*CURVES.items(), ("Python", of_pythons)]:
        yield f"\n## {name}\n"
        yield "| | requests/s | spread | p50 ms | p99 ms | MiB |"
        yield "|---|---|---|---|---|---|"
        for point in points:
            if point.who.program not in track.programs:
                continue
            measured = [_measure(track, point, seconds) for _ in range(rounds)]
            line = _line(point.label, measured)
            say(f"{name}: {line}")
            yield line
    yield from patience.latencies(track, rounds, seconds)
    yield from patience.starts(track, rounds)


def _measure(track: Track, point: Point, seconds: int) -> Measured:
    track.slow_down(point.delay_ms)
    track.clients = point.clients
    track.sql("DELETE FROM idempotency_keys")
    first = [each.format(rows=point.rows) for each in FILL] if point.rows else []
    with _farther_away(track, point.away_ms):
        return track.measure(point.who, point.choice, seconds, first)


@contextmanager
def _farther_away(track: Track, milliseconds: int) -> Iterator[None]:
    """Have what is sent to the database, and its answer, take so long."""
    if not milliseconds:
        yield
        return
    port, near = free_port(), track.url
    program = str(Path(__file__).with_name("relay.py"))
    words = [program, str(track.server.port), str(port), str(milliseconds)]
    relay = subprocess.Popen([*track.of_others, sys.executable, *words])
    track.url = near.replace(f":{track.server.port}/", f":{port}/")
    try:
        yield
    finally:
        track.url = near
        relay.terminate()
        relay.wait()


def _line(label: str, measured: list[Measured]) -> str:
    results = [each.result for each in measured]
    speeds = [each.per_second for each in results]
    cells = [
        label,
        f"{median(speeds):,.0f}",
        f"{min(speeds):,.0f} to {max(speeds):,.0f}",
        f"{median(each.p50 for each in results) * 1000:.2f}",
        f"{median(each.p99 for each in results) * 1000:.1f}",
        f"{median(each.memory for each in measured) / 2**20:.0f}",
    ]
    return f"| {' | '.join(cells)} |"
