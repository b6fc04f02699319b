import json

import asyncpg
import pytest
from quart import abort
from quart.typing import TestClientProtocol
from small_app.application import create_app
from sqlalchemy import text

from quart_chassis.application import Application
from quart_chassis.database import begin
from quart_chassis.testing.postgres import OwnPostgres
from quart_chassis.testing.waiting import until
from tests.quart_chassis.migrating import ENDS_AT_COMMIT
from tests.quart_chassis.small_project import serving

NOWHERE = "postgresql://u:s3cret@127.0.0.1:1/app"
SECRETS = ("s3cret", "127.0.0.1", "INSERT", "Traceback", "asyncpg")


async def test_errors_of_pages_are_pages(client: TestClientProtocol) -> None:
    response = await client.get("/<script>")
    page = await response.get_data(as_text=True)
    assert response.status_code == 404
    assert response.content_type == "text/html; charset=utf-8"
    assert "Not Found" in page
    assert "<script>" not in page


async def test_errors_of_the_api_are_problem_details(
    client: TestClientProtocol,
) -> None:
    response = await client.get("/api/nowhere")
    assert response.status_code == 404
    assert response.content_type == "application/problem+json"
    problem = json.loads(await response.get_data(as_text=True))
    assert problem["status"] == 404
    assert problem["title"] == "Not Found"
    assert problem["type"] == "about:blank"
    assert problem["detail"]


async def test_a_wrong_method_is_told_which_are_right(
    client: TestClientProtocol,
) -> None:
    response = await client.post("/")
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("path", ["/broken", "/api/broken"])
async def test_what_nobody_expected_shows_nothing(
    capsys: pytest.CaptureFixture[str], database: str, path: str, log_format: str
) -> None:
    app = create_app(DATABASE_URL=database, LOG_FORMAT=log_format)

    @app.get(path)
    async def broken() -> str:
        password = "hidden".upper()
        raise RuntimeError(f"s3cret words at 127.0.0.1 {len(password)}")

    async with app.test_app() as running:
        response = await running.test_client().get(path)
    assert response.status_code == 500
    shown = await response.get_data(as_text=True)
    assert not any(word in shown for word in SECRETS)
    logged = capsys.readouterr().err
    assert "RuntimeError" in logged
    assert "s3cret words" in logged
    assert "HIDDEN" not in logged


async def test_an_error_without_words_of_its_own_has_its_title(
    app: Application,
) -> None:
    @app.get("/teapot")
    async def teapot() -> str:
        abort(418)

    async with app.test_app() as running:
        response = await running.test_client().get("/teapot")
    assert response.status_code == 418
    assert "I'm a Teapot" in (await response.get_data(as_text=True)).replace(
        "&#39;", "'"
    )


async def test_without_a_database_a_page_says_when_to_come_back() -> None:
    app = create_app(DATABASE_URL=NOWHERE, WAIT_SECONDS=1)
    async with app.test_app() as running:
        response = await running.test_client().get("/")
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert response.headers["Cache-Control"] == "no-store"
    page = await response.get_data(as_text=True)
    assert not any(word in page for word in SECRETS)


async def test_without_a_database_the_api_says_that_nothing_was_committed() -> None:
    app = create_app(DATABASE_URL=NOWHERE, WAIT_SECONDS=1)
    async with app.test_app() as running:
        response = await running.test_client().post("/api/notes", json={"text": "a"})
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1
    shown = await response.get_data(as_text=True)
    assert json.loads(shown)["outcome"] == "not-committed"
    assert not any(word in shown for word in SECRETS)


async def test_what_may_have_been_committed_is_called_unknown(
    app: Application, database: str
) -> None:
    other = await asyncpg.connect(database)
    await other.execute(ENDS_AT_COMMIT)
    await other.close()

    @app.post("/api/cut")
    async def cut() -> str:
        async with begin() as connection:
            await connection.execute(text("INSERT INTO notes (text) VALUES ('a')"))
        return ""

    async with app.test_app() as running:
        response = await running.test_client().post("/api/cut")
    assert response.status_code == 503
    assert (await response.get_json(force=True))["outcome"] == "unknown"


def test_a_database_that_returns_is_used_again(
    own_postgres: OwnPostgres,
) -> None:
    with serving(DATABASE_URL=own_postgres.url(), WAIT_SECONDS="1") as server:
        assert server.get("/").status_code == 200
        own_postgres.stop("immediate")
        assert server.get("/livez").status_code == 200
        assert server.get("/readyz").status_code == 503
        assert server.get("/").status_code == 503
        own_postgres.start()
        until(lambda: server.get("/readyz").status_code == 200)
        assert [server.get("/").status_code for _ in range(20)] == [200] * 20
        assert server.stop() == 0
    assert "s3cret" not in "\n".join(server.lines)
    assert own_postgres.password not in "\n".join(server.lines)
