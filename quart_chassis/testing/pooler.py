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
from urllib.parse import urlsplit

import asyncpg
import pytest

from quart_chassis.postgres.programs import Owner
from quart_chassis.testing.databases import TestServer
from quart_chassis.testing.postgres import OwnPostgres, free_port, server_programs
from quart_chassis.testing.waiting import until

THERE = pytest.mark.skipif(not shutil.which("pgbouncer"), reason="no PgBouncer on PATH")
NEEDED = [pytest.mark.slow, THERE]
# The port of the pooler that a test's application uses, where it uses one.
PORT = "QUART_CHASSIS_TEST_POOLER"


def settings_for(database: str) -> dict[str, object]:
    """Settings that lead an application to a test's database.

    The test itself goes there past the pooler, which knows no prepared statements.
    """
    port = os.environ.get(PORT)
    if not port:
        return {"DATABASE_URL": database}
    name = urlsplit(database).path
    return {
        "DATABASE_URL": f"postgresql://app@127.0.0.1:{port}{name}",
        "DB_POOLER": True,
    }


@contextmanager
def pooling_all(server: TestServer) -> Iterator[str]:
    """The port of a pooler in front of all databases of the tests' server."""
    with _serving(f"* = {server.words()}", 20, server_programs()[1]) as port:
        yield str(port)


@contextmanager
def pooling(own_postgres: OwnPostgres) -> Iterator[str]:
    """An empty database behind a pooler with two server connections."""
    name = f"pooled_{secrets.token_hex(4)}"
    asyncio.run(execute(own_postgres.url(), f"CREATE DATABASE {name}"))
    server = f"host=127.0.0.1 port={own_postgres.port}"
    database = f"{name} = {server} user=app password={own_postgres.password}"
    with _serving(database, 2, own_postgres.owner) as port:
        yield f"postgresql://app@127.0.0.1:{port}/{name}"


@contextmanager
def _serving(database: str, connections: int, owner: Owner | None) -> Iterator[int]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="quart-chassis-pooler-") as folder:
        path = Path(folder) / "pgbouncer.ini"
        path.write_text(
            f"[databases]\n{database}\n"
            f"[pgbouncer]\npool_mode = transaction\ndefault_pool_size = {connections}\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            "auth_type = any\nmax_client_conn = 200\n"
        )
        account = owner.uid if owner else None
        for each in (path, path.parent):
            os.chown(each, account or -1, -1)
        pooler = subprocess.Popen(["pgbouncer", "--quiet", path], user=account)
        try:
            until(lambda: listens(port))
            yield port
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
