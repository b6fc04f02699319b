"""How long callers wait: for an answer, and for a server that starts."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from urllib.request import urlopen

from boilerplate.benchmarks.field import FIELD, PAGE, Contender
from boilerplate.benchmarks.running import Choice, Track
from quart_chassis.errors import say
from quart_chassis.testing.postgres import free_port

SETTING = Choice(5, freeze=False)
RATE = str(Path(__file__).with_name("rate.py"))
SHARES = (25, 50, 75, 95)


def latencies(track: Track, rounds: int, seconds: int) -> Iterator[str]:
    """How long requests take that come at a part of the rate of full load."""
    track.clients = 64
    for delay in (0, 2):
        track.slow_down(delay)
        full = [track.measure(PAGE, SETTING, seconds).result for _ in range(rounds)]
        most = median(each.per_second for each in full)
        slower = f", commits {delay} ms slower" if delay else ""
        yield f"\n## callers who come by themselves{slower}\n"
        yield f"Their rate is a part of {most:,.0f} requests/s, which is full load.\n"
        yield "| | requests/s | p50 ms | p99 ms | p99.9 ms |"
        yield "|---|---|---|---|---|"
        for share in SHARES:
            per_second = round(most * share / 100)
            found = [_latency(track, per_second, seconds) for _ in range(rounds)]
            names = ("per_second", "p50", "p99", "p99.9")
            medians = [f"{median(each[name] for each in found):,.1f}" for name in names]
            line = f"| {share} % | {' | '.join(medians)} |"
            say(f"part of full load{slower}: {line}")
            yield line
    track.slow_down(0)


def _latency(track: Track, per_second: int, seconds: int) -> dict[str, float]:
    port = free_port()
    with track.serving(PAGE, SETTING, port):
        # A second to warm up.
        for each in (1, seconds):
            words = [RATE, str(port), "/", str(per_second), str(each)]
            ran = subprocess.run(
                [*track.of_others, sys.executable, *words],
                capture_output=True,
                text=True,
                check=True,
            )
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def starts(track: Track, rounds: int) -> Iterator[str]:
    """From the start of a program until it has answered."""
    yield "\n## start to ready\n"
    yield "| | seconds |"
    yield "|---|---|"
    for who in FIELD:
        if who.program in track.programs and who.path == "/" and who.words:
            taken = median(_seconds_to_start(track, who) for _ in range(rounds))
            yield f"| {who.name} | {taken:.2f} |"


def _seconds_to_start(track: Track, who: Contender) -> float:
    port = free_port()
    began = time.monotonic()
    with track.serving(who, SETTING, port):
        urlopen(f"http://127.0.0.1:{port}{who.path}").close()
        return time.monotonic() - began
