"""What those who send work ask: does it live, and can it serve?"""

import asyncpg
from quart.typing import TestClientProtocol
from small_app.application import create_app

from quart_chassis.application import Application
from quart_chassis.database.disk import FULL_SECONDS


async def test_an_app_that_lives_and_is_ready_says_so(
    client: TestClientProtocol,
) -> None:
    assert (await client.get("/livez")).status_code == 200
    response = await client.get("/readyz")
    assert response.status_code == 200
    assert await response.get_json() == {
        "status": "ok",
        "database": "ok",
        "schema": "ok",
    }


async def test_an_older_schema_is_not_ready(empty_database: str) -> None:
    async with create_app(DATABASE_URL=empty_database).test_app() as app:
        response = await app.test_client().get("/readyz")
        assert response.status_code == 503
        assert (await response.get_json())["schema"] == "older than the code"


async def test_a_schema_that_this_code_does_not_know_is_ready(
    app: Application, database: str
) -> None:
    await set_revision(database, "9999")
    async with app.test_app() as serving:
        response = await serving.test_client().get("/readyz")
        assert response.status_code == 200
        told = "at revision 9999, which this code does not have"
        assert (await response.get_json())["schema"] == told


async def set_revision(database: str, revision: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("UPDATE alembic_version SET version_num = $1", revision)
    await connection.close()


FULL_DISK = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
CREATE CONSTRAINT TRIGGER full_disk AFTER INSERT ON notes DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION full_disk()
"""


async def test_a_full_disk_is_told_once_a_commit_failed_of_it(
    app: Application, database: str
) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(FULL_DISK)
    await connection.close()
    async with app.test_app() as serving:
        client = serving.test_client()
        assert (await client.get("/readyz")).status_code == 200
        written = await client.post("/api/notes", json={"text": "x"})
        assert written.status_code == 503
        response = await client.get("/readyz")
        assert response.status_code == 503
        assert (await response.get_json())["database"] == "its disk is full"
        # It is tried again when these seconds are over.
        app.extensions["disk"].full_at -= FULL_SECONDS
        assert (await client.get("/readyz")).status_code == 200


async def test_without_a_database_an_app_lives_but_is_not_ready() -> None:
    nowhere = "postgresql://u:s3cret@127.0.0.1:1/app"
    async with create_app(DATABASE_URL=nowhere).test_app() as app:
        client = app.test_client()
        assert (await client.get("/livez")).status_code == 200
        response = await client.get("/readyz")
        assert response.status_code == 503
        assert (await response.get_json())["database"] == "does not answer"
