"""What Prometheus is told about counting."""

import asyncio
import os

import httpx
import pytest
from quart.typing import TestClientProtocol

from my_app.application import create_app
from quart_chassis.database import DatabaseUnavailable
from quart_chassis.testing.samples import Samples, measured, samples_of
from quart_chassis.testing.servers import RunningServer, manage, running
from quart_chassis.testing.waiting import until, until_async
from tests.counter_app.test_live import watching
from tests.counter_app.writers import Stage, at_work, nothing

INCREMENT = "/api/counters/a/increment"


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


async def test_what_is_no_visit_is_counted_by_its_reason(
    client: TestClientProtocol,
) -> None:
    await client.head("/")
    for purpose in ("prefetch", "prerender"):
        await client.get("/", headers={"Sec-Purpose": purpose})
    samples = await measured(client)
    assert samples["counting_no_visits_total head"] == 1
    assert samples["counting_no_visits_total prefetch"] == 2
    assert samples["counting_no_visits_total robot"] == 0


async def test_a_full_counter_is_told_apart(database: str) -> None:
    app = create_app(DATABASE_URL=database, ADMIN_TOKEN="t" * 16)
    async with app.test_app() as serving:
        client = serving.test_client()
        admin = {"Authorization": f"Bearer {'t' * 16}"}
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
        with pytest.raises(DatabaseUnavailable):
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


async def test_open_streams_are_told(client: TestClientProtocol) -> None:
    async def told(number: int) -> bool:
        return (await measured(client))["counter_watchers"] == number

    await client.post(INCREMENT)
    async with watching(client) as stream:
        assert await stream.value() == 1
        await until_async(lambda: told(1))
    await until_async(lambda: told(0))


def two_workers_serve(server: RunningServer) -> bool:
    """Whether two workers serve, and nothing is left of those that ended."""
    try:
        return samples_of(server)["counter_watchers_limit"] == 4000
    except httpx.TransportError:
        # The worker that took the connection was killed.
        return False


@pytest.mark.skipif(os.name == "nt", reason="no signals")
def test_what_workers_counted_is_added_up_and_kept_of_the_dead(database: str) -> None:
    command = manage("run", "--port", "0", "--workers", "2")
    with running(command, DATABASE_URL=database) as server:
        until(lambda: two_workers_serve(server))
        for _ in range(20):
            server.get("/")
        before = samples_of(server)
        assert before["counting_queue_limit"] == 2 * 4096
        assert before["counting_increments_total counted"] == 20
        killed = server.workers()
        for worker in killed:
            worker.kill()
        until(lambda: not {*killed} & {*server.workers()})
        until(lambda: two_workers_serve(server))
        server.get("/")
        after = samples_of(server)
        assert after["counting_queue_limit"] == 2 * 4096
        assert after["counting_increments_total counted"] == 21
