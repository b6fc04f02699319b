"""Behind PgBouncer in transaction mode: two transactions may meet two servers."""

import asyncio
import os
import subprocess

import httpx

from quart_chassis.testing.pooler import NEEDED, pooling
from quart_chassis.testing.postgres import OwnPostgres
from quart_chassis.testing.waiting import HANG_SECONDS
from tests.quart_chassis.small_project import PATHS, SMALL, command, serving

TIMES, CLIENTS = 200, 32

pytestmark = NEEDED


async def write_and_read(address: str) -> list[int]:
    """Write TIMES notes and look at the page as often; the notes' numbers."""
    wanted = [kind for _ in range(TIMES) for kind in ("note", "page")]
    numbers: list[int] = []

    async def send() -> None:
        while wanted:
            if wanted.pop() == "page":
                answer = await client.get("/")
            else:
                answer = await client.post("/api/notes", json={"text": "a"})
                numbers.append(answer.json()["number"])
            assert answer.status_code == 200

    async with httpx.AsyncClient(base_url=address, timeout=HANG_SECONDS) as client:
        await asyncio.gather(*(send() for _ in range(CLIENTS)))
    return numbers


def test_migrations_and_notes_pass_a_pooler(own_postgres: OwnPostgres) -> None:
    """Seen to fail without DB_POOLER."""
    with pooling(own_postgres) as pooled:
        settings = {"DATABASE_URL": pooled, "DB_POOLER": "true"}
        migrating = [
            subprocess.Popen(
                command("migrate"), cwd=SMALL, env={**os.environ, **PATHS, **settings}
            )
            for _ in range(3)
        ]
        assert [process.wait(HANG_SECONDS) for process in migrating] == [0, 0, 0]
        with serving("--workers", "4", measured=False, **settings) as server:
            written = asyncio.run(write_and_read(server.url))
            assert sorted(written) == list(range(1, TIMES + 1))
            assert f"Notes: {TIMES}" in server.get("/").text
            assert server.stop() == 0
    assert not [line for line in server.lines if '"level": "error"' in line]
