"""Counting behind PgBouncer in transaction mode."""

import asyncio
import os
import re
import subprocess
from collections import Counter

import httpx

from quart_chassis.testing.pooler import NEEDED, pooling
from quart_chassis.testing.postgres import OwnPostgres
from quart_chassis.testing.servers import ROOT, manage, running
from quart_chassis.testing.waiting import HANG_SECONDS

TIMES, CLIENTS = 200, 32

pytestmark = NEEDED


async def count(address: str) -> Counter[str]:
    """Page, plain and keyed counters, TIMES each; what was answered last for each."""
    wanted = [(kind, number) for number in range(TIMES) for kind in ("page", "plain")]
    wanted += [("keyed", number) for number in range(TIMES) for _ in range(2)]
    numbers: Counter[str] = Counter()

    async def send() -> None:
        while wanted:
            kind, number = wanted.pop()
            if kind == "page":
                answer = await client.get("/")
                (value,) = re.findall(r"Counter: (\d+)", answer.text)
            else:
                headers = {"Idempotency-Key": str(number)} if kind == "keyed" else {}
                address = f"/api/counters/{kind}/increment"
                answer = await client.post(address, headers=headers)
                value = answer.json()["value"]
            assert answer.status_code == 200
            numbers[kind] = max(numbers[kind], int(value))

    async with httpx.AsyncClient(base_url=address, timeout=HANG_SECONDS) as client:
        await asyncio.gather(*(send() for _ in range(CLIENTS)))
    return numbers


def test_counting_passes_a_pooler(own_postgres: OwnPostgres) -> None:
    """Seen to fail without DB_POOLER."""
    with pooling(own_postgres) as pooled:
        settings = {"DATABASE_URL": pooled, "DB_POOLER": "true"}
        migrating = [
            subprocess.Popen(
                manage("migrate"), cwd=ROOT, env={**os.environ, **settings}
            )
            for _ in range(3)
        ]
        assert [process.wait(HANG_SECONDS) for process in migrating] == [0, 0, 0]
        command = manage("run", "--port", "0", "--workers", "4")
        with running(command, ROOT, False, **settings) as server:
            answered = asyncio.run(count(server.url))
            assert answered == {"page": TIMES, "plain": TIMES, "keyed": TIMES}
            stored = server.get("/api/counters").json()["counters"]
            assert {each["name"]: each["value"] for each in stored} == {
                "home": TIMES,
                "plain": TIMES,
                "keyed": TIMES,
            }
            assert server.stop() == 0
    assert not [line for line in server.lines if '"level": "error"' in line]
