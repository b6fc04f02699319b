import json

import pytest
from quart import Quart, abort
from quart.typing import TestClientProtocol

from my_app.application import create_app
from tests.postgres import OwnPostgres
from tests.servers import manage, running
from tests.waiting import until

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

    async with app.test_app() as serving:
        response = await serving.test_client().get(path)
    assert response.status_code == 500
    shown = await response.get_data(as_text=True)
    assert not any(word in shown for word in SECRETS)
    logged = capsys.readouterr().err
    assert "RuntimeError" in logged
    assert "s3cret words" in logged
    assert "HIDDEN" not in logged


async def test_an_error_without_words_of_its_own_has_its_title(app: Quart) -> None:
    @app.get("/teapot")
    async def teapot() -> str:
        abort(418)

    async with app.test_app() as serving:
        response = await serving.test_client().get("/teapot")
    assert response.status_code == 418
    assert "I'm a Teapot" in (await response.get_data(as_text=True)).replace(
        "&#39;", "'"
    )


async def test_without_a_database_a_page_says_when_to_come_back() -> None:
    nowhere = "postgresql://u:s3cret@127.0.0.1:1/app"
    app = create_app(DATABASE_URL=nowhere, WAIT_SECONDS=1)
    async with app.test_app() as serving:
        response = await serving.test_client().get("/")
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) >= 1
    assert response.headers["X-Counted"] == "0"
    assert response.headers["Cache-Control"] == "no-store"
    page = await response.get_data(as_text=True)
    assert not any(word in page for word in SECRETS)


def test_a_database_that_returns_is_used_again(
    own_postgres: OwnPostgres,
) -> None:
    command = manage("run", "--port", "0")
    address = own_postgres.url()
    with running(command, DATABASE_URL=address, WAIT_SECONDS="1") as server:
        assert server.get("/").status_code == 200
        own_postgres.stop("immediate")
        assert server.get("/livez").status_code == 200
        assert server.get("/readyz").status_code == 503
        away = server.get("/")
        assert (away.status_code, away.headers["X-Counted"]) == (503, "0")
        own_postgres.start()
        until(lambda: server.get("/readyz").status_code == 200)
        assert [server.get("/").status_code for _ in range(20)] == [200] * 20
        assert server.stop() == 0
    assert "s3cret" not in "\n".join(server.lines)
    assert own_postgres.password not in "\n".join(server.lines)
