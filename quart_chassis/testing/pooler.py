"""PgBouncer in transaction mode: two transactions may use two connections."""

import asyncio
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from quart_chassis.testing.postgres import OwnPostgres, free_port
from quart_chassis.testing.waiting import until

NEEDED = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("pgbouncer"), reason="no PgBouncer on PATH"),
]


@contextmanager
def pooling(own_postgres: OwnPostgres) -> Iterator[str]:
    """An empty database behind a pooler with two server connections."""
    name, port = f"pooled_{secrets.token_hex(4)}", free_port()
    asyncio.run(execute(own_postgres.url(), f"CREATE DATABASE {name}"))
    server = f"host=127.0.0.1 port={own_postgres.port}"
    with tempfile.TemporaryDirectory(prefix="quart-chassis-pooler-") as folder:
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
