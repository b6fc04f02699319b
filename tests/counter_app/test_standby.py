"""How far behind a reader is whom a standby answers, while others count.

`python3 manage.py test --all -s tests/counter_app/test_standby.py` shows it.
"""

import asyncio
import json
import os
import secrets
import subprocess
import time
from collections.abc import Awaitable, Iterator
from statistics import quantiles

import pytest

from quart_chassis.testing.pooler import execute
from quart_chassis.testing.postgres import OwnPostgres
from quart_chassis.testing.samples import samples_of
from quart_chassis.testing.servers import ROOT, RunningServer, manage, running
from quart_chassis.testing.standby import Standby
from tests.counter_app.faults.load import Client

pytestmark = pytest.mark.slow

LAG_SECONDS = 1
CLIENTS, EACH = 16, 16_000


@pytest.fixture
def standby(own_postgres: OwnPostgres) -> Iterator[Standby]:
    with Standby(own_postgres) as server:
        yield server


@pytest.fixture
def server(own_postgres: OwnPostgres, standby: Standby) -> Iterator[RunningServer]:
    name = f"counted_{secrets.token_hex(4)}"
    asyncio.run(execute(own_postgres.url(), f"CREATE DATABASE {name}"))
    primary = {"DATABASE_URL": own_postgres.url(name)}
    environment = {**os.environ, **primary}
    subprocess.run(manage("migrate"), cwd=ROOT, env=environment, check=True)
    with running(
        manage("run", "--port", "0"),
        DATABASE_URL=primary["DATABASE_URL"],
        REPLICA_URL=standby.url(name),
        REPLICA_LAG_SECONDS=str(LAG_SECONDS),
    ) as server:
        yield server


class Watch:
    """Those who count, and a reader, who write down when they saw what."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._answered: list[tuple[int, float]] = []
        self._read: list[tuple[int, float]] = []
        self._is_over = False

    async def count(self, increments: int) -> None:
        """Count from many clients at once."""
        each = increments // CLIENTS
        await asyncio.gather(*(self._count(each) for _ in range(CLIENTS)))

    async def read_while(self, counting: Awaitable[None]) -> list[float]:
        """For each read: how long ago that was answered which it lacked, in seconds."""
        self._is_over = False
        reading = asyncio.create_task(self._look())
        await counting
        self._is_over = True
        await reading
        return [self._lag(value, asked) for value, asked in self._read]

    async def _count(self, increments: int) -> None:
        client = Client(self._port, "127.0.0.1")
        for _ in range(increments):
            value = await ask(client, "POST", "/api/counters/a/increment")
            self._answered.append((value, time.monotonic()))
        client.leave()

    async def _look(self) -> None:
        self._read = []
        client = Client(self._port, "127.0.0.1")
        while not self._is_over:
            asked = time.monotonic()
            self._read.append((await ask(client, "GET", "/api/counters/a"), asked))
        client.leave()

    def _lag(self, value: int, asked: float) -> float:
        lacked = [when for number, when in self._answered if number > value]
        return max(asked - min(lacked, default=asked), 0)


async def ask(client: Client, method: str, path: str) -> int:
    """The value of the answer."""
    assert await client.connect()
    client.send(method, path)
    answered = await client.receive()
    assert answered
    status, _, body = answered
    assert status == 200
    value: int = json.loads(body)["value"]
    return value


async def test_nobody_is_farther_behind_than_promised(
    server: RunningServer, standby: Standby
) -> None:
    watch = Watch(int(server.url.rpartition(":")[2]))
    await watch.count(CLIENTS)
    lags = await watch.read_while(watch.count(EACH))
    tell("as it comes", lags, server)
    assert max(lags) <= LAG_SECONDS
    assert reads(server, "standby") > 0
    standby.sql("SELECT pg_wal_replay_pause()")
    before = reads(server, "primary")

    async def count_until_the_primary_answers() -> None:
        while reads(server, "primary") == before:
            await watch.count(EACH)

    lags = await watch.read_while(count_until_the_primary_answers())
    tell("held up", lags, server)
    assert max(lags) <= LAG_SECONDS
    standby.sql("SELECT pg_wal_replay_resume()")


def reads(server: RunningServer, who: str) -> float:
    """How many reads this server has answered."""
    return samples_of(server)[f"database_reads_total {who}"]


def tell(how: str, lags: list[float], server: RunningServer) -> None:
    """Print how far behind the reader was, in milliseconds."""
    cuts = quantiles(lags, n=100)
    print(
        f"{how}: {len(lags)} reads, half within {cuts[49] * 1000:.1f} ms, "
        f"99 of 100 within {cuts[98] * 1000:.1f}, all within {max(lags) * 1000:.1f}; "
        f"by the standby so far: {reads(server, 'standby'):.0f}"
    )
