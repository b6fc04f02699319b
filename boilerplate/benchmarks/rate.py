"""Callers who come at a rate of their own: `python rate.py PORT PATH RATE SECONDS`.

On the internet nobody waits until another one was answered. So requests are sent when
they are due (at random, as callers come: a Poisson process in steps of a millisecond),
and each one's time runs from then, also if no connection was free for it.
"""

import asyncio
import json
import math
import random
import sys
from asyncio import BaseTransport, Protocol, Transport
from collections import deque
from statistics import quantiles

CONNECTIONS = 256
STEP_SECONDS = 0.001
LENGTH = b"content-length: "


class Callers:
    """Who is due, who is free to ask, and how long answers took, in seconds."""

    def __init__(self, path: str) -> None:
        self.request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
        self.due: deque[float] = deque()
        self.free: list[Line] = []
        self.taken: list[float] = []
        self.failure = ""

    def ask(self) -> None:
        """Send what is due on connections that are free."""
        while self.due and self.free:
            self.free.pop().ask(self.due.popleft())


class Line(Protocol):
    """A connection."""

    def __init__(self, callers: Callers) -> None:
        self.callers = callers
        self.transport: Transport | None = None
        self.received = b""
        self.since = 0.0

    def connection_made(self, transport: BaseTransport) -> None:
        assert isinstance(transport, Transport)
        self.transport = transport
        self.callers.free.append(self)

    def ask(self, since: float) -> None:
        """Ask for who is due `since` then."""
        self.since = since
        assert self.transport is not None
        self.transport.write(self.callers.request)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")
        length = head.lower().partition(LENGTH)[2].partition(b"\r")[0]
        if not end or len(body) < int(length):
            return
        if not head.startswith(b"HTTP/1.1 200 "):
            self.callers.failure = head.decode()
        self.received = b""
        now = asyncio.get_running_loop().time()
        self.callers.taken.append(now - self.since)
        self.callers.free.append(self)
        self.callers.ask()

    def connection_lost(self, exc: Exception | None) -> None:
        self.callers.failure = self.callers.failure or "a connection was closed"


async def ask(port: int, path: str, per_second: int, seconds: int) -> dict[str, float]:
    """Milliseconds by percentile, and how many were answered in each second."""
    loop, callers = asyncio.get_running_loop(), Callers(path)
    for _ in range(CONNECTIONS):
        await loop.create_connection(lambda: Line(callers), "127.0.0.1", port)
    begin = now = loop.time()
    while (now := now + STEP_SECONDS) < begin + seconds and not callers.failure:
        await asyncio.sleep(now - loop.time())
        callers.due.extend([now] * _arrivals(per_second * STEP_SECONDS))
        callers.ask()
    while len(callers.free) < CONNECTIONS and not callers.failure:  # noqa: ASYNC110
        await asyncio.sleep(STEP_SECONDS)
    if callers.failure:
        raise SystemExit(callers.failure)
    thousandths = quantiles([each * 1000 for each in callers.taken], n=1000)
    return {
        "p50": thousandths[499],
        "p99": thousandths[989],
        "p99.9": thousandths[998],
        "per_second": len(callers.taken) / (loop.time() - begin),
    }


def _arrivals(expected: float) -> int:
    """A random number of them (Knuth's way to a Poisson distribution)."""
    least, product, count = math.exp(-expected), random.random(), 0  # noqa: S311
    while product > least:
        product *= random.random()  # noqa: S311
        count += 1
    return count


if __name__ == "__main__":
    port, path, per_second, seconds = sys.argv[1:]
    print(json.dumps(asyncio.run(ask(int(port), path, int(per_second), int(seconds)))))
