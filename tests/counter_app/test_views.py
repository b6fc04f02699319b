import re

import pytest
from quart.typing import TestClientProtocol

from my_app.application import create_app
from quart_chassis.testing.postgres import OwnPostgres
from quart_chassis.testing.servers import manage, running
from quart_chassis.testing.waiting import until

pytestmark = pytest.mark.also_pooled


async def shown(client: TestClientProtocol, **headers: str) -> int:
    response = await client.get("/", headers=headers)
    assert response.status_code == 200
    (number,) = re.findall(r"Counter: (\d+)", await response.get_data(as_text=True))
    return int(number)


async def test_each_visit_is_counted_and_shown(client: TestClientProtocol) -> None:
    assert [await shown(client) for _ in range(3)] == [1, 2, 3]


async def test_the_page_is_not_stored_and_says_that_it_counted(
    client: TestClientProtocol,
) -> None:
    response = await client.get("/")
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Counted"] == "1"
    assert response.content_type == "text/html; charset=utf-8"


async def test_head_counts_nothing(client: TestClientProtocol) -> None:
    response = await client.head("/")
    assert response.status_code == 200
    assert response.headers["X-Counted"] == "0"
    assert "Counter: 0" in await response.get_data(as_text=True)
    assert await shown(client) == 1


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Sec-Purpose", "prefetch"),
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "Prefetch"),
        ("X-Purpose", "preview"),
        ("X-Moz", "prefetch"),
    ],
)
async def test_what_is_loaded_ahead_shows_the_number_without_counting(
    client: TestClientProtocol, header: str, value: str
) -> None:
    assert await shown(client) == 1
    response = await client.get("/", headers={header: value})
    assert "Counter: 1" in await response.get_data(as_text=True)
    assert response.headers["X-Counted"] == "0"
    assert await shown(client) == 2


async def test_another_purpose_is_a_visit(client: TestClientProtocol) -> None:
    response = await client.get("/", headers={"Sec-Purpose": "navigate"})
    assert response.headers["X-Counted"] == "1"


async def test_without_a_database_a_page_says_that_it_counted_nothing() -> None:
    nowhere = "postgresql://u:s3cret@127.0.0.1:1/app"
    app = create_app(DATABASE_URL=nowhere, WAIT_SECONDS=1)
    async with app.test_app() as serving:
        client = serving.test_client()
        for answer in (await client.get("/"), await client.head("/")):
            assert answer.status_code == 503
            assert answer.headers["X-Counted"] == "0"


def test_visits_while_the_database_is_away_are_not_counted(
    own_postgres: OwnPostgres,
) -> None:
    # The chassis' tests have theirs there, with another schema.
    own_postgres.run("psql", "-qc", "CREATE DATABASE visits", own_postgres.url())
    command = manage("run", "--port", "0")
    address = own_postgres.url("visits")
    with running(command, DATABASE_URL=address, WAIT_SECONDS="1") as server:
        assert server.get("/").headers["X-Counted"] == "1"
        before = server.get("/api/counters/home").json()["value"]
        own_postgres.stop("immediate")
        away = server.get("/")
        assert (away.status_code, away.headers["X-Counted"]) == (503, "0")
        own_postgres.start()
        until(lambda: server.get("/readyz").status_code == 200)
        assert server.get("/api/counters/home").json()["value"] == before
        assert server.stop() == 0
