"""Clients over real HTTP that write down what they saw, and retry what has a key."""

import asyncio
import json
import random
import time
from contextlib import suppress

from quart_chassis.testing.waiting import HANG_SECONDS
from tests.counter_app.faults.ledger import (
    COUNTED,
    NOT_COUNTED,
    UNKNOWN,
    Attempt,
    Ledger,
    Read,
)

# With a key and without, each on counters of its own, so that both can be summed up.
KEYED, PLAIN = ("keyed-1", "keyed-2"), ("plain-1", "plain-2")
# How many increments are of counters that nobody has asked for before.
NEW = 0.02
ANSWER_SECONDS = 15
HANG_UP = 0.01


class Client:
    """One connection at a time; who cannot connect has sent nothing."""

    def __init__(self, port: int, host: str) -> None:
        self.port = port
        self.host = host
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def connect(self) -> bool:
        """Whether there is a connection."""
        if self.reader is not None and not self.reader.at_eof():
            return True
        self.leave()
        try:
            self.reader, self.writer = await asyncio.open_connection(
                self.host, self.port
            )
        except OSError:
            await asyncio.sleep(0.02)
            return False
        return True

    def leave(self) -> None:
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None

    def send(self, method: str, path: str, *headers: str) -> None:
        assert self.writer is not None
        lines = [f"{method} {path} HTTP/1.1", "Host: test", *headers]
        self.writer.write("\r\n".join([*lines, "Content-Length: 0\r\n\r\n"]).encode())

    async def receive(self) -> tuple[int, dict[str, str], bytes] | None:
        """Status, headers and body; None if no whole answer came."""
        assert self.reader is not None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
                first, *rest = head.rstrip().split("\r\n")
                headers = dict(line.split(": ", 1) for line in rest)
                body = await self.reader.readexactly(int(headers["content-length"]))
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            self.leave()
            return None
        if headers.get("connection") == "close":
            self.leave()
        return int(first.split(" ")[1]), headers, body


class Load:
    """Many clients at once, until `stop`; then what has a key is retried to its end."""

    def __init__(
        self, port: int, seed: int, clients: int = 24, host: str = "127.0.0.1"
    ) -> None:
        self.port = port
        self.host = host
        self.chance = random.Random(seed)
        self.ledger = Ledger()
        self.statuses: list[str] = []
        self.stopping = False
        self.keys = self.new = self.refused = 0
        self.counted = 0
        self.tasks = [
            *(asyncio.create_task(self._count(number)) for number in range(clients)),
            asyncio.create_task(self._look()),
        ]

    async def more(self, number: int) -> None:
        """Until so many more increments were answered."""
        wanted = self.counted + number
        async with asyncio.timeout(HANG_SECONDS):
            while self.counted < wanted:  # noqa: ASYNC110 - no event would be simpler
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Send nothing new; return when every key is resolved."""
        self.stopping = True
        async with asyncio.timeout(HANG_SECONDS):
            await asyncio.gather(*self.tasks)

    async def _count(self, number: int) -> None:
        client = Client(self.port, self.host)
        unresolved: Attempt | None = None
        while unresolved or not self.stopping:
            if not await client.connect():
                continue
            counter, key = self._choose(unresolved)
            attempt = Attempt(number, counter, key, time.monotonic())
            self.ledger.attempts.append(attempt)
            headers = [] if key is None else [f"Idempotency-Key: {key}"]
            client.send("POST", f"/api/counters/{counter}/increment", *headers)
            if self.chance.random() < HANG_UP:
                await asyncio.sleep(self.chance.random() * 0.01)
                client.leave()
            else:
                self._write_down(attempt, await client.receive())
            resolved = key is None or attempt.outcome == COUNTED
            unresolved = None if resolved else attempt
        client.leave()

    def _choose(self, unresolved: Attempt | None) -> tuple[str, str | None]:
        if unresolved is not None:
            return unresolved.counter, unresolved.key
        if self.chance.random() < NEW:
            self.new += 1
            return f"new-{self.new}", None
        if self.chance.random() < 0.5:
            return self.chance.choice(PLAIN), None
        self.keys += 1
        return self.chance.choice(KEYED), f"key-{self.keys}"

    def _write_down(
        self, attempt: Attempt, answer: tuple[int, dict[str, str], bytes] | None
    ) -> None:
        if answer is None:
            return
        status, headers, body = answer
        if "json" not in headers["content-type"]:
            # A balancer's own words: it does not know, either.
            return
        attempt.answered = time.monotonic()
        told = json.loads(body)
        if status == 200:
            attempt.outcome, attempt.value = COUNTED, told["value"]
            self.counted += 1
            attempt.replayed = "idempotency-replayed" in headers
        elif status == 503:
            attempt.outcome = told["outcome"]
            assert attempt.outcome in {NOT_COUNTED, UNKNOWN}
            assert "retry-after" in headers
        elif status == 429 and attempt.counter.startswith("new-"):
            attempt.outcome = NOT_COUNTED
            assert 0 < int(headers["retry-after"]) <= 60
            self.refused += 1
        else:
            self.statuses.append(f"{status} {told}")

    async def _look(self) -> None:
        client = Client(self.port, self.host)
        while not self.stopping:
            await asyncio.sleep(0.1)
            if not await client.connect():
                continue
            counter = self.chance.choice((*KEYED, *PLAIN))
            sent = time.monotonic()
            with suppress(OSError):
                client.send("GET", f"/api/counters/{counter}")
            answer = await client.receive()
            if answer and answer[0] == 200:
                value = json.loads(answer[2])["value"]
                self.ledger.reads.append(Read(counter, sent, time.monotonic(), value))
        client.leave()
