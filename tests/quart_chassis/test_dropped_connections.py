"""Connections to the database that something between drops without a word."""

import asyncio
import socket
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from quart.typing import TestClientProtocol
from small_app.application import create_app
from sqlalchemy import text

from quart_chassis.application import Application
from quart_chassis.database import begin
from quart_chassis.testing.postgres import OwnPostgres
from tests.quart_chassis.firewall import Firewall

POOL_SIZE = 4


@pytest.fixture
async def firewall(own_postgres: OwnPostgres) -> AsyncIterator[tuple[Firewall, int]]:
    between = Firewall(own_postgres.port)
    yield between, await between.start()
    between.close()


def application(url: str, port: int) -> Application:
    parts = urlsplit(url)
    through = parts._replace(netloc=parts.netloc.replace(str(parts.port), str(port)))
    app = create_app(
        DATABASE_URL=through.geturl(), DB_POOL_SIZE=POOL_SIZE, WAIT_SECONDS=3
    )
    all_at_once = asyncio.Barrier(POOL_SIZE)

    @app.get("/one")
    async def one() -> str:
        async with begin() as connection:
            await connection.execute(text("SELECT 1"))
        return "1"

    @app.get("/all")
    async def every() -> str:
        async with begin() as connection:
            # Before the first statement, or the server would see them idle.
            await all_at_once.wait()
            await connection.execute(text("SELECT 1"))
        return "1"

    return app


async def statuses(client: TestClientProtocol, path: str, number: int) -> list[int]:
    return [(await client.get(path)).status_code for _ in range(number)]


async def test_connections_that_were_dropped_cost_one_wait(
    own_postgres: OwnPostgres, firewall: tuple[Firewall, int]
) -> None:
    between, port = firewall
    async with application(own_postgres.url(), port).test_app() as serving:
        client = serving.test_client()
        filled = await asyncio.gather(*(client.get("/all") for _ in range(POOL_SIZE)))
        assert [each.status_code for each in filled] == [200] * POOL_SIZE
        between.drop()
        assert await statuses(client, "/one", 5) == [503, 200, 200, 200, 200]


async def test_an_idle_connection_is_tried_now_and_then(
    own_postgres: OwnPostgres, firewall: tuple[Firewall, int]
) -> None:
    """So that a firewall does not forget it, and a dead one is found."""
    _, port = firewall
    app = application(own_postgres.url(), port)
    async with app.test_app():
        async with app.extensions["engine"].connect() as connection:
            raw = await connection.get_raw_connection()
            opened = raw.driver_connection._transport.get_extra_info("socket")
            assert opened.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            if hasattr(socket, "TCP_KEEPIDLE"):
                assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 60
