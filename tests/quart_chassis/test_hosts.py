"""Which of several hosts the application connects to."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from quart_chassis.database.engines import make_engine
from quart_chassis.features import load_settings
from quart_chassis.project import Project
from quart_chassis.testing.postgres import OwnPostgres, free_port
from quart_chassis.testing.standby import Standby
from tests.quart_chassis.firewall import Firewall


@pytest.fixture
async def hosts(own_postgres: OwnPostgres) -> AsyncIterator[dict[int, Firewall]]:
    """Two hosts by their ports, both of which lead to the same server."""
    made = [Firewall(own_postgres.port) for _ in range(2)]
    yield {await each.start(): each for each in made}
    for each in made:
        each.close()


@pytest.fixture
def engine(
    project: Project, own_postgres: OwnPostgres, hosts: dict[int, Firewall]
) -> AsyncEngine:
    return engine_of(project, own_postgres.password, *hosts)


def engine_of(
    project: Project, password: str, *ports: int, role: str = "read-write"
) -> AsyncEngine:
    named = ",".join(f"127.0.0.1:{port}" for port in ports)
    url = f"postgresql://app:{password}@{named}/app?target_session_attrs={role}"
    return make_engine(load_settings(project, DATABASE_URL=url, WAIT_SECONDS=4))


async def test_a_frozen_host_leaves_time_for_the_next_one(
    hosts: dict[int, Firewall], engine: AsyncEngine
) -> None:
    """Which is asked first from then on."""
    frozen, serving = hosts.values()
    frozen.is_open = False
    async with engine.connect(), engine.connect():
        assert (frozen.accepted, serving.accepted) == (1, 2)
    await engine.dispose()


async def test_a_host_that_no_longer_answers_is_left_for_the_next_one(
    hosts: dict[int, Firewall], engine: AsyncEngine
) -> None:
    """Though it lets clients in, as a primary that was replaced does."""
    first, second = hosts.values()
    async with engine.connect() as connection:
        first.drop()
        with pytest.raises(TimeoutError):
            await connection.execute(text("SELECT 1"))
    async with engine.connect() as connection:
        await connection.execute(text("SELECT 1"))
    # The first one may have been asked to cancel the statement.
    assert second.accepted == 1
    await engine.dispose()


async def test_a_host_that_takes_no_writes_is_left_for_the_next_one(
    project: Project, own_postgres: OwnPostgres
) -> None:
    """Though any host was asked for, and its connection is as good as before."""
    with Standby(own_postgres) as standby:
        ports = (standby.port, own_postgres.port)
        engine = engine_of(project, own_postgres.password, *ports, role="any")

        async def writes() -> bool:
            try:
                async with engine.begin() as connection:
                    await connection.execute(text("CREATE TEMPORARY TABLE a (b int)"))
            except DBAPIError as error:
                assert "read-only transaction" in str(error)  # noqa: PT017
                return False
            return True

        assert not await writes()
        assert await writes()
        await engine.dispose()


async def test_what_is_wrong_everywhere_is_tried_once(
    project: Project, hosts: dict[int, Firewall]
) -> None:
    engine = engine_of(project, "wrong", *hosts)
    with pytest.raises(DBAPIError, match="password authentication failed"):
        await engine.connect().__aenter__()
    assert [each.accepted for each in hosts.values()] == [1, 0]


async def test_the_error_is_of_the_host_that_should_serve(
    project: Project, own_postgres: OwnPostgres
) -> None:
    """A primary is no standby, which is as it should be; the other is down."""
    ports = own_postgres.port, free_port()
    engine = engine_of(project, own_postgres.password, *ports, role="standby")
    with pytest.raises(ConnectionRefusedError):
        await engine.connect().__aenter__()
