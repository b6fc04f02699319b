import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from quart.typing import TestClientProtocol

from my_app import db
from my_app.application import create_app
from my_app.metrics import DIRECTORY, Metrics
from tests.counter_app.test_live import watching
from tests.servers import RunningServer, manage, running
from tests.waiting import until, until_async
from tests.writers import Stage, at_work, nothing

INCREMENT = "/api/counters/a/increment"


class Samples(dict[str, float]):
    """The value of each series, by its name and its labels' values, sorted by name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                values = [value for _, value in sorted(sample.labels.items())]
                self[" ".join([sample.name, *values])] = sample.value


async def measured(client: TestClientProtocol) -> Samples:
    response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    return Samples(await response.get_data(as_text=True))


async def test_requests_are_counted_by_route_and_status(
    client: TestClientProtocol,
) -> None:
    for path in ("/", "/", "/badges/a.svg", "/badges/B.svg", "/nowhere/secret"):
        await client.get(path)
    await client.post("/livez")
    await client.get("/", headers={"Host": "not a host"})
    samples = await measured(client)
    assert samples["http_requests_total GET / 200"] == 2
    assert samples["http_requests_total GET / 400"] == 1
    assert samples["http_requests_total GET /badges/<name>.svg 200"] == 1
    assert samples["http_requests_total GET /badges/<name>.svg 404"] == 1
    assert samples["http_requests_total GET none 404"] == 1
    assert samples["http_requests_total POST none 405"] == 1
    assert samples["http_request_duration_seconds_count GET /"] == 3
    assert samples["http_request_duration_seconds_bucket +Inf GET /"] == 3


async def test_a_callers_words_make_no_series(client: TestClientProtocol) -> None:
    for word in ("BREW", "WHEN"):
        async with client.request(f"/{word}", method=word) as connection:
            await connection.send_complete()
    samples = await measured(client)
    assert samples["http_requests_total other none 404"] == 2
    assert not any("BREW" in name or "WHEN" in name for name in samples)


async def test_increments_are_counted_by_what_their_callers_were_told(
    client: TestClientProtocol,
) -> None:
    key = {"Idempotency-Key": "k"}
    for amount, headers in ((1, {}), (1, key), (1, key), (2, key)):
        await client.post(INCREMENT, json={"amount": amount}, headers=headers)
    samples = await measured(client)
    assert samples["counting_increments_total counted"] == 2
    assert samples["counting_increments_total replayed"] == 1
    assert samples["counting_increments_total key-reused"] == 1
    assert samples["counting_batch_increments_sum"] == 4
    assert samples["counting_commit_duration_seconds_count"] == 4
    assert samples["counting_queue_length"] == 0
    assert samples["counting_queue_limit"] == 4096


async def test_a_full_counter_is_told_apart(database: str) -> None:
    app = create_app(DATABASE_URL=database, ADMIN_TOKEN="t")
    async with app.test_app() as serving:
        client = serving.test_client()
        admin = {"Authorization": "Bearer t"}
        await client.put("/api/counters/a", json={"value": 2**63 - 1}, headers=admin)
        assert (await client.post(INCREMENT)).status_code == 409
        assert (await measured(client))["counting_increments_total full"] == 1


async def test_tries_and_failures_are_told(database: str) -> None:
    stage = Stage(database)
    async with at_work(stage):
        plain = asyncio.create_task(stage.count())
        keyed = asyncio.create_task(stage.count(key="k"))
        await until_async(lambda: waits_for_turn(stage))
        await stage.batch("answer lost", nothing)
        with pytest.raises(db.DatabaseUnavailable):
            await plain
        await stage.batch("before COMMIT", nothing)
        await stage.batch("", nothing)
        assert (await keyed).replayed
    samples = Samples(stage.metrics.text().decode())
    assert samples["counting_increments_total unknown"] == 1
    assert samples["counting_increments_total replayed"] == 1
    assert samples["counting_retries_total"] == 2
    assert samples["counting_batch_increments_count"] == 1


async def waits_for_turn(stage: Stage) -> bool:
    return stage.held


async def test_the_pools_use_is_told(client: TestClientProtocol) -> None:
    async with client.app.app_context(), db.begin():
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

        async with app.test_app() as serving:
            client = serving.test_client()
            asked = [client.get("/api/counters/a") for _ in range(3)]
            answers = asyncio.gather(*asked)
            await until_async(lambda: told(3))
            assert {answer.status_code for answer in await answers} == {503}
            assert await told(0)


async def test_without_metrics_there_are_none(database: str) -> None:
    app = create_app(DATABASE_URL=database, METRICS=False)
    async with app.test_app() as serving:
        response = await serving.test_client().get("/metrics")
        assert response.status_code == 404


async def test_open_streams_are_told(client: TestClientProtocol) -> None:
    async def told(number: int) -> bool:
        return (await measured(client))["counter_watchers"] == number

    await client.post(INCREMENT)
    async with watching(client) as stream:
        assert await stream.value() == 1
        await until_async(lambda: told(1))
    await until_async(lambda: told(0))


def test_a_file_that_a_worker_has_just_made_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with prometheus_client's own collector (its issue 1199)."""
    monkeypatch.setenv(DIRECTORY, str(tmp_path))
    write = "from prometheus_client import Counter; Counter('a_total', 'b').inc()"
    subprocess.run([sys.executable, "-c", write], check=True)
    (tmp_path / "counter_1.db").touch()
    assert Samples(Metrics().text().decode())["a_total"] == 1


def samples_of(server: RunningServer) -> Samples:
    return Samples(server.get("/metrics").text)


def serves_with_two_workers(server: RunningServer) -> bool:
    """Whether two workers serve, and nothing is left of those that ended."""
    try:
        return samples_of(server)["counter_watchers_limit"] == 4000
    except httpx.TransportError:
        # The worker that took the connection was killed.
        return False


@pytest.mark.skipif(os.name == "nt", reason="no signals")
def test_several_workers_are_added_up_and_the_dead_kept(database: str) -> None:
    """Seen to fail where the parent does not forget the gauges of the dead."""
    command = manage("run", "--port", "0", "--workers", "2")
    with running(command, DATABASE_URL=database) as server:
        until(lambda: serves_with_two_workers(server))
        for _ in range(20):
            server.get("/")
        before = samples_of(server)
        assert before["http_requests_total GET / 200"] == 20
        assert before["counting_queue_limit"] == 2 * 4096
        assert before["counting_increments_total counted"] == 20
        killed = server.workers()
        for worker in killed:
            worker.kill()
        until(lambda: not {*killed} & {*server.workers()})
        until(lambda: serves_with_two_workers(server))
        server.get("/")
        after = samples_of(server)
        assert after["http_requests_total GET / 200"] == 21
        assert after["counting_increments_total counted"] == 21
        directory = Path(server.workers()[0].environ()[DIRECTORY])
        assert directory.is_dir()
    assert not directory.exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no signals")
def test_workers_that_are_replaced_are_kept_too(database: str) -> None:
    command = manage("run", "--port", "0", "--workers", "2")
    with running(command, DATABASE_URL=database) as server:
        until(lambda: serves_with_two_workers(server))
        server.get("/")
        server.replace_workers()
        until(lambda: serves_with_two_workers(server))
        assert samples_of(server)["http_requests_total GET / 200"] == 1
