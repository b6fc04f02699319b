"""Counting behind each server, with two workers, over TCP; and through restarts."""

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager

import asyncpg
import httpx
import pytest

from quart_chassis.testing.keepalive import restart_under_load
from quart_chassis.testing.servers import (
    ASGI_SERVERS,
    RunningServer,
    hypercorn,
    manage,
    running,
)
from quart_chassis.testing.waiting import HANG_SECONDS

SERVERS = {
    "uvicorn": manage("run", "--port", "0", "--workers", "2"),
    "hypercorn": hypercorn("my_app"),
}


@pytest.fixture(scope="module", params=ASGI_SERVERS)
def server(
    request: pytest.FixtureRequest, module_database: str
) -> Iterator[RunningServer]:
    with running(SERVERS[request.param], DATABASE_URL=module_database) as server:
        yield server


async def test_simultaneous_visits_are_all_counted(server: RunningServer) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=HANG_SECONDS) as client:
        pages = await asyncio.gather(*(client.get("/") for _ in range(50)))
        last = await client.head("/")
    assert Counter(page.status_code for page in pages) == {200: 50}
    numbers = [int(re.findall(r"Counter: (\d+)", page.text)[0]) for page in pages]
    assert sorted(numbers) == list(range(1, 51))
    assert last.headers["X-Counted"] == "0"


def test_a_slash_in_a_name_is_a_wrong_name(server: RunningServer) -> None:
    assert server.get("/api/counters/a%2Fb").status_code == 422
    assert server.get("/api/counters/a/b").status_code == 404


@pytest.mark.slow
async def test_twenty_restarts_lose_no_count(database: str) -> None:
    await count_through_restarts(database, 20, connections=32)


@pytest.mark.skipif(sys.platform != "linux", reason="promised on Linux only")
async def test_a_restart_loses_no_count(database: str) -> None:
    await count_through_restarts(database, 1, connections=4)


async def count_through_restarts(
    database: str, restarts: int, connections: int
) -> None:
    def serve(port: str) -> AbstractContextManager[RunningServer]:
        command = manage("run", "--workers", "2", "--port", port)
        return running(command, DATABASE_URL=database)

    answered = await restart_under_load(serve, restarts, connections)
    connection = await asyncpg.connect(database)
    stored = await connection.fetchval("SELECT value FROM counters")
    await connection.close()
    assert stored == answered
