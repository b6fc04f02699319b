"""Many keyed increments over HTTP to several workers, a third of them sent again."""

import asyncio
import json
import random
from collections import Counter, defaultdict

import asyncpg
import pytest

from quart_chassis.testing.servers import manage, running
from tests.counter_app.writers import wrong_sums

CONNECTIONS = 64


class Sender:
    """Sends increments over connections that are kept; its answers by key."""

    def __init__(self, address: str) -> None:
        host, _, port = address.removeprefix("http://").rpartition(":")
        self.place = (host, int(port))
        self.answers: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        self.replayed = 0

    async def send(self, sendings: list[tuple[str, str]]) -> None:
        reader, writer = await asyncio.open_connection(*self.place)
        while sendings:
            name, key = sendings.pop()
            writer.write(
                f"POST /api/counters/{name}/increment HTTP/1.1\r\nHost: test\r\n"
                f"Idempotency-Key: {key}\r\nContent-Length: 0\r\n\r\n".encode()
            )
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            assert head.startswith("http/1.1 200"), head
            length = int(head.partition("content-length: ")[2].split("\r\n", 1)[0])
            answer = json.loads(await reader.readexactly(length))
            assert answer["name"] == name
            self.answers[name, key].append(answer["value"])
            self.replayed += "idempotency-replayed: true" in head
        writer.close()


@pytest.mark.slow
async def test_the_sum_is_exact_and_every_replay_is_equal(database: str) -> None:
    requests, workers = 100_000, 4
    chance = random.Random(requests)
    counted: Counter[str] = Counter()
    sendings = []
    for number in range(requests):
        name = f"c{chance.randrange(20)}"
        counted[name] += 1
        times = chance.choice([1, 1, 1, 1, 2, 3])
        sendings += [(name, f"key-{number}")] * times
    chance.shuffle(sendings)
    sent = len(sendings)
    command = manage("run", "--port", "0", "--workers", str(workers))
    with running(
        command,
        DATABASE_URL=database,
        LOG_LEVEL="WARNING",
        KEYS_PER_MINUTE=str(requests),
    ) as server:
        sender = Sender(server.url)
        await asyncio.gather(*(sender.send(sendings) for _ in range(CONNECTIONS)))
    connection = await asyncpg.connect(database)
    stored = dict(await connection.fetch("SELECT name, value FROM counters"))
    await connection.close()
    assert stored == counted
    assert await wrong_sums(database) == []
    assert len(sender.answers) == requests
    assert all(len(set(values)) == 1 for values in sender.answers.values())
    by_name: defaultdict[str, list[int]] = defaultdict(list)
    for (name, _), values in sender.answers.items():
        by_name[name].append(values[0])
    for name, values in by_name.items():
        assert sorted(values) == list(range(1, counted[name] + 1))
    assert sender.replayed == sent - requests
    print(f"{requests} increments, {sent} sendings, {workers} workers: exact")
