import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, expect
from quart.typing import TestClientProtocol
from small_app.application import create_app

from quart_chassis.project import Project
from quart_chassis.serve import changes
from quart_chassis.testing import chromium
from quart_chassis.testing.servers import (
    CERTIFICATES,
    RunningServer,
    running,
)
from quart_chassis.testing.waiting import HANG_SECONDS, until
from tests.quart_chassis.small_project import command, run

TEMPLATE = Path("small_app/notes_app/templates/notes_app/home.html")
STYLE = Path("small_app/notes_app/static/notes.css")
VIEWS = Path("small_app/notes_app/views.py")
RELOAD = command("run", "--port", "0", "--reload")


NOTHING = """
revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    pass
"""


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


@pytest.fixture
def reloading(checkout: Path, database: str) -> Iterator[RunningServer]:
    """A copy of the small application, served with --reload in development."""
    with running(
        RELOAD, checkout, ENV_FOR_DYNACONF="development", DATABASE_URL=database
    ) as server:
        yield server


@pytest.fixture
async def page(program: str, reloading: RunningServer) -> AsyncIterator[Page]:
    """A page of that server, open in a browser."""
    async with chromium.browser(program) as browser:
        page = await browser.new_page(base_url=reloading.url)
        await page.goto("/drafts")
        yield page


def told(server: RunningServer, since: int = 0) -> list[str]:
    """The server's events, without the lines of requests."""
    lines = [json.loads(line) for line in server.lines if line.startswith("{")]
    events = [line["event"] for line in lines if line["event"] != "request"]
    return events[since:]


async def test_an_open_page_shows_each_change_at_once(
    page: Page, checkout: Path
) -> None:
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_have_text("Notes: 0")
    edit(checkout / TEMPLATE, "Notes: {{", "Letters: {{")
    await expect(heading).to_have_text("Letters: 0")
    edit(checkout / STYLE, "{", "{ background-color: rgb(1, 2, 3);")
    await expect(heading).to_have_css("background-color", "rgb(1, 2, 3)")
    edit(checkout / VIEWS, '"number": 0', '"number": 7')
    await expect(heading).to_have_text("Letters: 7")
    edit(checkout / VIEWS, "return await", "return return")
    await expect(heading).to_have_text("SyntaxError")
    edit(checkout / VIEWS, "return return", "return await")
    await expect(heading).to_have_text("Letters: 7")


def test_a_restart_logs_one_line_and_an_open_page_does_not_delay_it(
    reloading: RunningServer, checkout: Path
) -> None:
    assert told(reloading) == []
    with httpx.stream(
        "GET", f"{reloading.url}/_reload", verify=CERTIFICATES, timeout=HANG_SECONDS
    ) as stream:
        parts = stream.iter_text()
        assert next(parts).startswith("data: ")
        edit(checkout / "settings.toml", "LONGEST_NOTE = ", "LONGEST_NOTE = 1")
        # The stream ends of itself; a server that cuts it off raises here.
        assert list(parts) == []
    until(lambda: told(reloading))
    assert reloading.get("/").status_code == 200
    assert reloading.stop() == 0
    (line,) = told(reloading)
    assert line.startswith("reloaded after ")
    assert line.endswith(" s: settings.toml changed")


def test_an_application_that_does_not_start_says_why(
    reloading: RunningServer, checkout: Path
) -> None:
    application = checkout / "small_app" / "application.py"
    made = "return create(__package__, FEATURES, **config_overrides)"
    fails = f"{made.replace('return', 'app =')}\n    app.before_serving(lambda: 1 / 0)"
    edit(application, made, f"{fails}\n    return app")
    until(lambda: "ZeroDivisionError" in reloading.get("/drafts").text)
    edit(application, "1 / 0", "None")
    until(lambda: reloading.get("/drafts").status_code == 200)


@pytest.mark.slow
def test_a_wrong_setting_is_told_until_it_is_mended(
    reloading: RunningServer, checkout: Path
) -> None:
    edit(checkout / "settings.toml", "LONGEST_NOTE = ", "LONGEST_NOTE = -")
    until(lambda: "LONGEST_NOTE" in reloading.get("/").text)
    assert reloading.get("/api/notes").status_code == 500
    elsewhere = httpx.get(
        f"{reloading.url}/",
        headers={"X-Forwarded-For": "192.0.2.1"},
        verify=CERTIFICATES,
    )
    assert elsewhere.status_code == 503
    assert "LONGEST_NOTE" not in elsewhere.text
    assert "Content-Security-Policy" in elsewhere.headers
    edit(checkout / "settings.toml", "LONGEST_NOTE = -", "LONGEST_NOTE = ")
    until(lambda: "Notes: 0" in reloading.get("/").text)
    assert reloading.stop() == 0


@pytest.mark.slow
async def test_a_new_migration_is_told_and_the_page_returns_when_it_was_run(
    page: Page, reloading: RunningServer, checkout: Path, database: str
) -> None:
    migration = checkout / "migrations/versions/0002_nothing.py"
    migration.write_text(NOTHING)
    await expect(page.get_by_text("python3 manage.py migrate")).to_be_visible()
    response = reloading.get("/api/notes")
    assert response.status_code == 503
    assert "python3 manage.py migrate" in response.json()["detail"]
    assert reloading.get("/livez").status_code == 200
    assert "Migrations are pending" in told(reloading)
    migrated = {"ENV_FOR_DYNACONF": "development", "DATABASE_URL": database}
    await asyncio.to_thread(
        subprocess.run,
        command("migrate"),
        cwd=checkout,
        env={**os.environ, **migrated},
        check=True,
    )
    await expect(page.get_by_role("heading")).to_have_text("Notes: 0")


@pytest.mark.slow
def test_a_server_that_dies_comes_back_with_the_next_change(
    reloading: RunningServer, checkout: Path
) -> None:
    asgi = checkout / "small_app/asgi.py"
    edit(asgi, "import sys", "import os, sys; os._exit(1)")
    until(
        lambda: (
            "the server ended; it starts again when a file changes" in told(reloading)
        )
    )
    edit(asgi, "import os, sys; os._exit(1)", "import sys")
    assert reloading.get("/").status_code == 200
    assert reloading.stop() == 0


KINDS = [
    *("small_app/new.py", "small_app/templates/new.html", "small_app/static/new.css"),
    *("migrations/versions/0002_new.py", "quart_chassis/new.py"),
    *("settings.toml", ".env", "pyproject.toml"),
]
OTHERS = ["small_app/.new.py.swp", "small_app/new.py~", "small_app/4913", "notes.txt"]


@pytest.mark.parametrize("way", ["told", "polled", "without watchfiles"])
def test_each_kind_of_file_is_watched(
    way: str,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if way == "polled":
        monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "true")
    if way == "without watchfiles":
        monkeypatch.setitem(sys.modules, "watchfiles", None)
    monkeypatch.setattr(changes, "__file__", str(checkout / "quart_chassis/serve/x.py"))
    for name in KINDS:
        (checkout / name).parent.mkdir(exist_ok=True)
    stop = changes.Stop()
    looks = changes.watch(Project.at(checkout), stop)
    assert next(looks) == []
    for name in [*OTHERS, *KINDS]:
        with (checkout / name).open("a") as file:
            file.write("\n")
    seen: set[str] = set()

    def sees_all() -> bool:
        seen.update(path.relative_to(checkout).as_posix() for path in next(looks))
        return seen.issuperset(KINDS)

    until(sees_all)
    stop.set()
    assert seen == set(KINDS)


async def test_nothing_of_it_is_there_without_reload(
    client: TestClientProtocol,
) -> None:
    assert "_reload" not in await (await client.get("/")).get_data(as_text=True)
    for path in ("/_reload", "/_reload.js"):
        assert (await client.get(path)).status_code == 404


async def test_nothing_of_it_is_there_in_production(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMALL_APP_RELOAD", "on")
    app = create_app(
        ENV_FOR_DYNACONF="production", SECRET_KEY="k" * 40, DATABASE_URL=database
    )
    async with app.test_app() as running:
        client = running.test_client()
        assert "_reload" not in await (await client.get("/")).get_data(as_text=True)
        assert (await client.get("/_reload")).status_code == 404
    assert app.config["RESPONSE_TIMEOUT"] == 60


def test_production_is_not_reloaded(database: str) -> None:
    told = run(
        *("run", "--reload", "--port", "0"),
        ENV_FOR_DYNACONF="production",
        SECRET_KEY="k" * 40,
        DATABASE_URL=database,
    )
    assert told.returncode == 1
    assert "--reload is for development" in told.stderr
    assert told.stderr.count("\n") == 1
