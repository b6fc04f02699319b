"""Behind PgBouncer in transaction mode: two transactions may meet two servers."""

import asyncio
import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.postgres import OwnPostgres, free_port
from tests.servers import ROOT, manage, running
from tests.waiting import HANG_SECONDS, until

TIMES, CLIENTS = 200, 32

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("pgbouncer"), reason="no PgBouncer on PATH"),
]


@pytest.fixture
def pooled(own_postgres: OwnPostgres) -> Iterator[str]:
    """An empty database behind a pooler that has two connections for everybody."""
    name, port = f"pooled_{secrets.token_hex(4)}", free_port()
    asyncio.run(execute(own_postgres.url(), f"CREATE DATABASE {name}"))
    server = f"host=127.0.0.1 port={own_postgres.port}"
    with tempfile.TemporaryDirectory(prefix="my-app-pooler-") as folder:
        path = Path(folder) / "pgbouncer.ini"
        path.write_text(
            f"[databases]\n"
            f"{name} = {server} user=app password={own_postgres.password}\n"
            "[pgbouncer]\npool_mode = transaction\ndefault_pool_size = 2\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            "auth_type = any\nmax_client_conn = 200\n"
        )
        account = own_postgres.owner.uid if own_postgres.owner else None
        for each in (path, path.parent):
            os.chown(each, account or -1, -1)
        pooler = subprocess.Popen(["pgbouncer", "--quiet", path], user=account)
        until(lambda: listens(port))
        try:
            yield f"postgresql://app@127.0.0.1:{port}/{name}"
        finally:
            pooler.kill()
            pooler.wait()


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def execute(address: str, statement: str) -> None:
    connection = await asyncpg.connect(address)
    await connection.execute(statement)
    await connection.close()


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


def test_migrations_and_counting_pass_a_pooler(pooled: str) -> None:
    """Seen to fail without DB_POOLER."""
    settings = {"DATABASE_URL": pooled, "DB_POOLER": "true"}
    migrating = [
        subprocess.Popen(manage("migrate"), cwd=ROOT, env={**os.environ, **settings})
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
