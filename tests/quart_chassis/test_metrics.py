import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from quart.typing import TestClientProtocol
from small_app.application import create_app

from quart_chassis.database import begin
from quart_chassis.errors import UserError
from quart_chassis.observe.metrics import DIRECTORY, Metrics
from quart_chassis.testing.samples import Samples, measured, samples_of
from quart_chassis.testing.servers import RunningServer
from quart_chassis.testing.waiting import until, until_async
from tests.quart_chassis.small_project import serving

ONE_NOTE = f"/api/notes/<int(max={2**63 - 1}):number>"


async def test_requests_are_counted_by_route_and_status(
    client: TestClientProtocol,
) -> None:
    for path in ("/", "/", "/drafts/3", "/nowhere/secret"):
        await client.get(path)
    await client.delete("/api/notes/4")
    await client.post("/livez")
    await client.get("/", headers={"Host": "not a host"})
    samples = await measured(client)
    assert samples["http_requests_total GET / 200"] == 2
    assert samples["http_requests_total GET none 400"] == 1
    assert samples["http_requests_total GET /drafts/<int:number> 200"] == 1
    assert samples[f"http_requests_total DELETE {ONE_NOTE} 401"] == 1
    assert samples["http_requests_total GET none 404"] == 1
    assert samples["http_requests_total POST none 405"] == 1
    assert samples["http_request_duration_seconds_count GET /"] == 2
    assert samples["http_request_duration_seconds_bucket +Inf GET /"] == 2


async def test_a_callers_words_make_no_series(client: TestClientProtocol) -> None:
    for word in ("BREW", "WHEN"):
        async with client.request(f"/{word}", method=word) as connection:
            await connection.send_complete()
    samples = await measured(client)
    assert samples["http_requests_total other none 404"] == 2
    assert not any("BREW" in name or "WHEN" in name for name in samples)


async def test_the_pools_use_is_told(client: TestClientProtocol) -> None:
    async with client.app.app_context(), begin():
        samples = await measured(client)
        assert samples["database_pool_connections_used"] == 1
        assert samples["database_pool_connections_limit"] == 5
    assert (await measured(client))["database_pool_connections_used"] == 0


async def test_connections_that_are_being_made_are_told() -> None:
    """Seen to fail where only those that were made are."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://x@127.0.0.1:{silent.getsockname()[1]}/x"
        app = create_app(DATABASE_URL=url, WAIT_SECONDS=1)

        async def told(number: int) -> bool:
            client = app.test_client()
            return (await measured(client))["database_pool_connections_used"] == number

        async with app.test_app() as running:
            client = running.test_client()
            asked = [client.get("/api/notes") for _ in range(3)]
            answers = asyncio.gather(*asked)
            await until_async(lambda: told(3))
            assert {answer.status_code for answer in await answers} == {503}
            assert await told(0)


async def test_without_metrics_there_are_none(database: str) -> None:
    app = create_app(DATABASE_URL=database, METRICS=False)
    async with app.test_app() as running:
        response = await running.test_client().get("/metrics")
        assert response.status_code == 404


def test_a_file_that_a_worker_has_just_made_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with prometheus_client's own collector (its issue 1199)."""
    monkeypatch.setenv(DIRECTORY, str(tmp_path))
    write = "from prometheus_client import Counter; Counter('a_total', 'b').inc()"
    subprocess.run([sys.executable, "-c", write], check=True)
    (tmp_path / "counter_1.db").touch()
    assert Samples(Metrics().text().decode())["a_total"] == 1


def until_pages_are(count: int, server: RunningServer) -> None:
    """Wait for this count of pages: it is written after the answer has been sent.

    Meanwhile the other worker may answer /metrics.
    """
    series = "http_requests_total GET / 200"
    until(lambda: samples_of(server).get(series) == count)


def serves_with_two_workers(server: RunningServer) -> bool:
    """Whether two workers serve, and nothing is left of those that ended."""
    try:
        return samples_of(server)["database_pool_connections_limit"] == 10
    except httpx.TransportError:
        # The worker that took the connection was killed.
        return False


@pytest.mark.skipif(os.name == "nt", reason="no signals")
def test_several_workers_are_added_up_and_the_dead_kept(database: str) -> None:
    """Seen to fail where the parent does not forget the gauges of the dead."""
    with serving("--workers", "2", DATABASE_URL=database) as server:
        until(lambda: serves_with_two_workers(server))
        for _ in range(20):
            server.get("/")
        until_pages_are(20, server)
        killed = server.workers()
        for worker in killed:
            worker.kill()
        until(lambda: not {*killed} & {*server.workers()})
        until(lambda: serves_with_two_workers(server))
        server.get("/")
        until_pages_are(21, server)
        directory = Path(server.workers()[0].environ()[DIRECTORY])
        assert directory.is_dir()
    assert not directory.exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no signals")
def test_workers_that_are_replaced_are_kept_too(database: str) -> None:
    with serving("--workers", "2", DATABASE_URL=database) as server:
        until(lambda: serves_with_two_workers(server))
        server.get("/")
        server.replace_workers()
        until(lambda: serves_with_two_workers(server))
        until_pages_are(1, server)


def test_a_folder_of_values_that_is_not_there_is_told(
    database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"nowhere is no folder; make it, or remove"):
        create_app(DATABASE_URL=database)
