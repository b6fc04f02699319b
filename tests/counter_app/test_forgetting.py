import asyncpg
from quart import Quart

from my_app.counter_app import forgetting
from my_app.counter_app.keys import FORGETTING_LOCK

KEYS = """
    INSERT INTO idempotency_keys
    SELECT 'a', 'k' || hours || '-' || number, 1, 1,
           now() - make_interval(hours => hours) - make_interval(secs => number)
    FROM unnest(ARRAY[1, 24, 25, 30]) hours, generate_series(1, 30) number
"""
LEFT = """
    SELECT DISTINCT split_part(key, '-', 1) FROM idempotency_keys ORDER BY 1
"""


async def test_keys_go_when_they_are_25_hours_old(app: Quart, database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(KEYS)
    async with app.test_app():
        await forgetting.forget(app.extensions["engine"], days_kept=400)
    left = [row[0] for row in await connection.fetch(LEFT)]
    count = await connection.fetchval("SELECT count(*) FROM idempotency_keys")
    await connection.close()
    assert left == ["k1", "k24"]
    assert count == 60


async def test_one_worker_at_a_time_forgets(app: Quart, database: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(KEYS)
    await connection.execute(f"SELECT pg_advisory_lock({FORGETTING_LOCK})")
    async with app.test_app():
        await forgetting.forget(app.extensions["engine"], days_kept=400)
    count = await connection.fetchval("SELECT count(*) FROM idempotency_keys")
    await connection.close()
    assert count == 120
