import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from quart import Response, abort
from quart.typing import TestClientProtocol
from small_app.application import create_app
from sqlalchemy import text
from sqlalchemy.pool import QueuePool

from quart_chassis.application import Application
from quart_chassis.database import begin
from quart_chassis.settings import Settings

LOCAL = {"client": ("127.0.0.1", 50000)}
IN_DEVELOPMENT = {"ENV_FOR_DYNACONF": "development"}
HOUR = 3600


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def recurse(depth: int) -> int:
    return recurse(depth + 1) + 1


def chain() -> None:
    try:
        try:
            raise KeyError("the first")
        except KeyError as error:
            raise ValueError("the second") from error
    except ValueError:
        raise LookupError("the third")  # noqa: B904 - that is what is tested


def group() -> None:
    raise ExceptionGroup("several", [OSError("left"), OSError("right")])


def from_a_file_that_is_not_utf_8(folder: Path) -> Callable[[], None]:
    path = folder / "latin.py"
    path.write_bytes(b"# caf\xe9\ndef fail():\n    raise ValueError('latin')\n")
    source = path.read_bytes().decode("latin-1")
    found: dict[str, Callable[[], None]] = {}
    exec(compile(source, str(path), "exec"), found)
    return found["fail"]


def raising(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.fixture
def broken(database: str) -> Application:
    """The application in development, with two routes that fail."""
    app = create_app(DATABASE_URL=database, **IN_DEVELOPMENT)
    return with_views(app, raising(RuntimeError("<b>dreadful</b>")))


def with_views(app: Application, fail: Callable[[], Any]) -> Application:
    @app.get("/broken")
    async def broken() -> str:
        password = "hidden".upper()
        fail()
        return password

    @app.get("/api/broken")
    async def broken_api() -> str:
        fail()
        return ""

    return app


async def shown(app: Application, path: str = "/broken", **request: Any) -> Response:
    async with app.test_app() as running:
        client = running.test_client()
        request.setdefault("scope_base", LOCAL)
        response = await client.get(path, **request)
        assert isinstance(response, Response)
        return response


async def page_of(app: Application, path: str = "/broken") -> str:
    return await (await shown(app, path)).get_data(as_text=True)


async def test_a_developer_sees_where_it_failed(broken: Application) -> None:
    response = await shown(broken)
    page = await response.get_data(as_text=True)
    assert response.status_code == 500
    assert response.content_type == "text/html; charset=utf-8"
    assert "RuntimeError" in page
    assert "&lt;b&gt;dreadful&lt;/b&gt;" in page
    assert "test_development.py" in page
    assert "fail()" in page
    assert response.headers["X-Request-ID"] in page
    # The line that makes it is there, the value is not.
    assert "HIDDEN" not in page
    assert "<script" not in page
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "style-src 'sha256-" in policy


async def test_a_developer_sees_it_in_the_problem_of_an_api(
    broken: Application,
) -> None:
    response = await shown(broken, "/api/broken")
    assert response.content_type == "application/problem+json"
    problem = json.loads(await response.get_data(as_text=True))
    assert (problem["status"], problem["title"]) == (500, "Internal Server Error")
    assert problem["detail"] == "RuntimeError: <b>dreadful</b>"
    assert problem["request_id"] == response.headers["X-Request-ID"]
    assert problem["traceback"][0] == "Traceback (most recent call last):"
    assert problem["traceback"][-1] == "RuntimeError: <b>dreadful</b>"


ELSEWHERE: dict[str, dict[str, Any]] = {
    "another machine": {"scope_base": {"client": ("192.0.2.1", 50000)}},
    "no address": {"scope_base": {"client": None}},
    "another name of this machine": {"headers": {"Host": "rebound.example.org"}},
    "a proxy on this machine": {"headers": {"X-Forwarded-For": "127.0.0.1"}},
    "another proxy": {"headers": {"Forwarded": "for=127.0.0.1"}},
}


@pytest.mark.parametrize("caller", ELSEWHERE)
@pytest.mark.parametrize("path", ["/broken", "/api/broken"])
async def test_everyone_else_sees_nothing(
    broken: Application, path: str, caller: str
) -> None:
    response = await shown(broken, path, **ELSEWHERE[caller])
    page = await response.get_data(as_text=True)
    assert response.status_code == 500
    assert "dreadful" not in page
    assert "RuntimeError" not in page
    assert "traceback" not in page.lower()


@pytest.mark.parametrize("environment", ["testing", "production", "docker"])
async def test_nothing_is_shown_outside_development(
    database: str, environment: str
) -> None:
    app = create_app(
        ENV_FOR_DYNACONF=environment, DATABASE_URL=database, SECRET_KEY="k" * 40
    )
    with_views(app, raising(RuntimeError("dreadful")))
    assert "dreadful" not in await page_of(app)


@pytest.mark.parametrize(
    ("fail", "expected"),
    [
        (lambda: recurse(0), ["RecursionError", "more calls", "recurse"]),
        (chain, ["the first", "the second", "the third", "Direct cause of it"]),
        (group, ["several", "left", "right", "Part of the group"]),
        (raising(Unprintable()), ["Unprintable", "str() failed"]),
        (raising(ValueError("\ud800 half")), ["ValueError", "\\ud800 half"]),
        (raising(ValueError("x" * 1_000_000)), ["(1,000,000 characters)"]),
        (raising(ExceptionGroup("g", [OSError(n) for n in range(999)])), ["OSError"]),
        (lambda: compile("a b\n", "there.py", "exec"), ["SyntaxError", "a b"]),
    ],
)
async def test_whatever_was_raised_is_shown(
    database: str,
    fail: Callable[[], Any],
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = create_app(DATABASE_URL=database, **IN_DEVELOPMENT)
    # pytest keeps what is logged, and cannot hand half of a character to xdist.
    monkeypatch.setattr(app.logger, "propagate", False)
    page = await page_of(with_views(app, fail))
    assert [words for words in expected if words not in page] == []
    assert len(page) < 500_000


async def test_code_that_is_not_text_is_left_out(database: str, tmp_path: Path) -> None:
    app = create_app(DATABASE_URL=database, **IN_DEVELOPMENT)
    page = await page_of(with_views(app, from_a_file_that_is_not_utf_8(tmp_path)))
    assert "latin.py:3" in page
    assert "The code cannot be shown" in page


async def test_an_error_that_a_view_chose_has_its_own_page(database: str) -> None:
    app = create_app(DATABASE_URL=database, **IN_DEVELOPMENT)
    with_views(app, lambda: abort(500, "chosen words"))
    page = await page_of(app)
    assert "chosen words" in page
    assert "test_development.py" not in page


QUERIES = ["SELECT color FROM notes", "SELECT 1 FROM colors", "SELECT 'a'::color"]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", ["/query", "/api/query"])
async def test_a_forgotten_migration_is_told_with_the_command(
    database: str, query: str, path: str
) -> None:
    app = with_query(create_app(DATABASE_URL=database, **IN_DEVELOPMENT), path, query)
    assert "python3 manage.py makemigration" in await page_of(app, path)


async def test_a_pending_migration_is_told_with_the_command(
    empty_database: str,
) -> None:
    app = create_app(DATABASE_URL=empty_database, **IN_DEVELOPMENT)
    page = await page_of(app, "/")
    assert "python3 manage.py migrate" in page
    assert "makemigration" not in page


async def test_a_revision_of_another_branch_is_told_with_the_command(
    database: str,
) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await connection.close()
    app = create_app(DATABASE_URL=database, **IN_DEVELOPMENT)
    page = await page_of(with_query(app, "/query", QUERIES[0]), "/query")
    assert "at revision 9999, which this code does not have" in page
    assert "python3 manage.py resetdb" in page


def with_query(app: Application, path: str, query: str) -> Application:
    @app.get(path)
    async def ask() -> str:
        async with begin() as connection:
            await connection.execute(text(query))
        return ""

    return app


@pytest.fixture
async def stepped(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TestClientProtocol]:
    """A client of the application as `run --reload` serves it."""
    monkeypatch.setenv("SMALL_APP_RELOAD", "on")
    app = create_app(DATABASE_URL=database, **IN_DEVELOPMENT)
    limits = ("idle_in_transaction_session_timeout", "lock_timeout")

    @app.get("/limits")
    async def tell() -> dict[str, Any]:
        found = {}
        async with begin() as connection:
            for name in (*limits, "statement_timeout"):
                found[name] = await connection.scalar(text(f"SHOW {name}"))
        return found

    async with app.test_app() as running:
        yield running.test_client()


async def test_a_transaction_may_last_an_hour_under_reload(
    stepped: TestClientProtocol,
) -> None:
    response = await stepped.get("/limits")
    assert set((await response.get_json()).values()) == {"1h"}
    app = stepped.app
    assert isinstance(app, Application)
    assert app.config["BODY_TIMEOUT"] == app.config["RESPONSE_TIMEOUT"] == HOUR
    assert app.settings(Settings).limit_seconds == HOUR
    assert isinstance(app.engine.pool, QueuePool)
    assert app.engine.pool.timeout() == HOUR


async def test_pages_follow_changes_except_answers_to_a_form(
    stepped: TestClientProtocol,
) -> None:
    page = await (await stepped.get("/")).get_data(as_text=True)
    assert '<script defer src="/_reload.js" data-stream="/_reload"' in page
    script = await stepped.get("/_reload.js")
    assert script.content_type.startswith("text/javascript")
    # The browser would ask whether to send the form again.
    answer = await (await stepped.post("/")).get_data(as_text=True)
    assert "_reload" not in answer


async def test_the_open_page_itself_is_neither_logged_nor_measured(
    stepped: TestClientProtocol, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (await stepped.head("/_reload")).status_code == 200
    await stepped.get("/_reload.js")
    assert "_reload" not in capsys.readouterr().err
    measured = await (await stepped.get("/metrics")).get_data(as_text=True)
    assert "_reload" not in measured
