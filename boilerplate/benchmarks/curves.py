"""Our page under one changing condition at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median

from boilerplate.benchmarks.field import OURS, Contender
from boilerplate.benchmarks.running import Choice, Measured, Track
from quart_chassis.errors import say

SETTING = Choice(5, False)
HYPERCORN = "-m hypercorn --bind 127.0.0.1:{port} my_app.asgi:app"
# Rows besides the one that is counted, in both tables.
FILL = (
    "INSERT INTO counters (name, value) "
    "SELECT 'filled-' || each, 1 FROM generate_series(1, {rows}) AS each",
    "INSERT INTO idempotency_keys (counter_name, key, amount, value) "
    "SELECT 'filled', each, 1, 1 FROM generate_series(1, {rows}) AS each",
    "VACUUM ANALYZE",
)


@dataclass(frozen=True)
class Point:
    """A condition: what is other than usual."""

    label: str
    who: Contender = OURS[0]
    clients: int = 64
    delay_ms: int = 0
    rows: int = 0


def _with(words: str = "", **environment: str) -> Contender:
    page = OURS[0]
    return replace(page, words=words or page.words, environment=environment)


CURVES = {
    "clients": [Point(f"{each}", clients=each) for each in (1, 8, 64, 256, 512)],
    "commits slower by": [Point(f"{ms} ms", delay_ms=ms) for ms in (0, 1, 2, 5, 10)],
    "workers": [Point("1", _with(WORKERS="1")), Point("2", _with(WORKERS="2"))],
    "rows in both tables": [
        Point(f"{rows:,}", rows=rows) for rows in (1_000, 10_000, 1_000_000)
    ],
    "server": [Point("uvicorn"), Point("hypercorn", _with(HYPERCORN))],
}


def tables(track: Track, rounds: int, seconds: int) -> Iterator[str]:
    """Each curve as a table in Markdown."""
    for name, points in CURVES.items():
        yield f"\n## {name}\n"
        yield "| | requests/s | spread | p50 ms | p99 ms | MiB |"
        yield "|---|---|---|---|---|---|"
        for point in points:
            measured = [_measure(track, point, seconds) for _ in range(rounds)]
            line = _line(point.label, measured)
            say(f"{name}: {line}")
            yield line


def _measure(track: Track, point: Point, seconds: int) -> Measured:
    track.slow_down(point.delay_ms)
    track.clients = point.clients
    track.sql("DELETE FROM idempotency_keys")
    return track.measure(
        point.who,
        SETTING,
        seconds,
        [each.format(rows=point.rows) for each in FILL] if point.rows else (),
    )


def _line(label: str, measured: list[Measured]) -> str:
    results = [each.result for each in measured]
    speeds = [each.per_second for each in results]
    cells = [
        label,
        f"{median(speeds):,.0f}",
        f"{min(speeds):,.0f} to {max(speeds):,.0f}",
        f"{median(each.p50 for each in results) * 1000:.1f}",
        f"{median(each.p99 for each in results) * 1000:.1f}",
        f"{median(each.memory for each in measured) / 2**20:.0f}",
    ]
    return f"| {' | '.join(cells)} |"
