"""The same application behind each server, with two workers, over TCP."""

import asyncio
import re
import secrets
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from tests.conftest import TestServer
from tests.servers import SERVERS, RunningServer, running
from tests.waiting import HANG_SECONDS, until


@pytest.fixture(
    scope="module",
    params=["uvicorn", pytest.param("hypercorn", marks=pytest.mark.slow)],
)
def server(
    request: pytest.FixtureRequest, test_server: TestServer
) -> Iterator[RunningServer]:
    name = f"test_{test_server.uid}_{secrets.token_hex(4)}"
    test_server.execute(f"CREATE DATABASE {name} TEMPLATE {test_server.template}")
    command = SERVERS[request.param]
    with running(command, DATABASE_URL=test_server.url(name)) as server:
        yield server
    test_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def test_simultaneous_visits_are_all_counted(server: RunningServer) -> None:
    async with httpx.AsyncClient(base_url=server.url, timeout=HANG_SECONDS) as client:
        pages = await asyncio.gather(*(client.get("/") for _ in range(50)))
        last = await client.head("/")
    assert Counter(page.status_code for page in pages) == {200: 50}
    numbers = [int(re.findall(r"Counter: (\d+)", page.text)[0]) for page in pages]
    assert sorted(numbers) == list(range(1, 51))
    assert last.headers["X-Counted"] == "0"


def test_every_server_answers_alike(server: RunningServer) -> None:
    answers = {
        path: server.get(path) for path in ("/livez", "/readyz", "/app-settings", "/x")
    }
    assert [answer.status_code for answer in answers.values()] == [200, 200, 200, 404]
    assert all(answer.headers["X-Request-ID"] for answer in answers.values())
    server.get("/two%0Alines?token=s3cret")
    until(lambda: '"path": "/two%0Alines"' in "\n".join(server.lines))
    assert "s3cret" not in "\n".join(server.lines)


def test_a_slash_in_a_name_is_a_wrong_name(server: RunningServer) -> None:
    assert server.get("/api/counters/a%2Fb").status_code == 422
    assert server.get("/api/counters/a/b").status_code == 404
