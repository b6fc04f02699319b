"""Tables and statements keep to what Citus allows of tables sharded by counter."""

from collections import Counter
from pathlib import Path

import asyncpg
from quart.typing import TestClientProtocol
from sqlalchemy import Table

from my_app import counter_app
from my_app.counter_app import forgetting, history, queries, sightings, tables
from my_app.counter_app.settings import LARGEST_VALUE
from quart_chassis.application import Application
from quart_chassis.database import begin
from quart_chassis.testing.routes import TOKEN
from quart_chassis.testing.sharding import problems_of_table
from quart_chassis.testing.statements import not_sent, recording
from tests.counter_app.sharding import DOCS, SHARDED, problems

FOLDER = Path(counter_app.__file__).parent
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
OLD = """
    INSERT INTO counter_days VALUES ('a', '2020-01-01', 1);
    INSERT INTO idempotency_keys VALUES ('a', 'old', 1, 1, '2020-01-01');
"""


def test_each_table_has_one_counters_rows_in_one_shard() -> None:
    assert SHARDED.keys() | {"counter_budgets"} == {
        name for name, table in vars(tables).items() if isinstance(table, Table)
    }
    for name in SHARDED:
        assert list(problems_of_table(getattr(tables, name), SHARDED)) == []


def test_the_document_has_the_statements_of_the_file() -> None:
    documented = (DOCS / "scaling.md").read_text("utf-8").splitlines()
    statements = (DOCS / "citus.sql").read_text("utf-8").splitlines()
    distributing = [line for line in statements if line.startswith("SELECT ")]
    assert len(distributing) == len(SHARDED)
    assert set(distributing) <= set(documented)


async def test_every_statement_has_a_shape_that_shards_allow(
    app: Application, client: TestClientProtocol, database: str
) -> None:
    """Each line that sends one is reached: a new one has to be added here."""
    with recording(FOLDER) as sent:
        await _count(client)
        await client.get("/api/counters/a/days")
        await client.get("/api/counters?limit=1")
        async with app.app_context(), begin() as connection:
            assert await queries.read_values(connection, ["a", "home"])
            assert await history.read_last(connection, "a", 7)
            assert await history.read_robots(connection, "a", 7) == 0
        await sightings.write(app.engine, Counter({"a": 1}))
        await _make_old(database)
        await forgetting.forget(app.engine, days_kept=400)
        await client.delete("/api/counters/a", headers=ADMIN)
    assert not_sent(FOLDER, sent) == []
    assert problems(sent) == []


async def _count(client: TestClientProtocol) -> None:
    await client.get("/")
    for name, key in (("a", "1"), ("a", "2"), ("b", "1")):
        headers = {"Idempotency-Key": key}
        await client.post(f"/api/counters/{name}/increment", headers=headers)
    await client.put("/api/counters/full", json={"value": LARGEST_VALUE}, headers=ADMIN)
    refused = await client.post(
        "/api/counters/full/increment", headers={"Idempotency-Key": "1"}
    )
    assert refused.status_code == 409


async def _make_old(database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(OLD)
    await connection.close()
