import threading

import asyncpg
from quart import Quart
from quart.typing import TestClientProtocol

from my_app.application import create_app

PRODUCTION = {"ENV_FOR_DYNACONF": "production", "SECRET_KEY": "k" * 32}


async def test_settings_are_shown_to_developers(database: str) -> None:
    app = create_app(ENV_FOR_DYNACONF="docker", DB_HOST="db")
    response = await app.test_client().get("/app-settings")
    page = await response.get_data(as_text=True)
    assert "Home: Hello World!" in page
    assert "Dynaconf Environment: docker" in page
    assert "DB_HOST: db" in page
    assert "app_password" not in page


async def test_a_page_waits_for_no_thread() -> None:
    before = set(threading.enumerate())
    app = create_app(DATABASE_URL="postgresql://me@there/app")
    response = await app.test_client().get("/app-settings")
    assert response.status_code == 200
    assert set(threading.enumerate()) == before


async def test_the_host_in_use_is_shown_without_its_password() -> None:
    app = create_app(DATABASE_URL="postgresql://me:s3cret@there:5433/app")
    response = await app.test_client().get("/app-settings")
    page = await response.get_data(as_text=True)
    assert "DB_HOST: there:5433" in page
    assert "s3cret" not in page


async def test_settings_are_not_shown_in_production(database: str) -> None:
    app = create_app(**PRODUCTION, DATABASE_URL=database)
    response = await app.test_client().get("/app-settings")
    assert response.status_code == 404


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
        assert (await response.get_json())["schema"] == "is older than the code"


async def test_a_newer_schema_is_ready(app: Quart, database: str) -> None:
    await set_revision(database, "9999")
    async with app.test_app() as serving:
        response = await serving.test_client().get("/readyz")
        assert response.status_code == 200
        assert (await response.get_json())["schema"] == "newer than the code"


async def set_revision(database: str, revision: str) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("UPDATE alembic_version SET version_num = $1", revision)
    await connection.close()


async def test_without_a_database_an_app_lives_but_is_not_ready() -> None:
    nowhere = "postgresql://u:s3cret@127.0.0.1:1/app"
    async with create_app(DATABASE_URL=nowhere).test_app() as app:
        client = app.test_client()
        assert (await client.get("/livez")).status_code == 200
        response = await client.get("/readyz")
        assert response.status_code == 503
        assert (await response.get_json())["database"] == "does not answer"
