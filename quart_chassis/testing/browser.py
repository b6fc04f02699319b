"""A pytest plugin: a server and the system's Chromium, for tests of pages.

These tests share one event loop: `pytestmark = pytest.mark.asyncio(loop_scope=
"session")`.
"""

import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
)

from quart_chassis.project import Project
from quart_chassis.testing import chromium
from quart_chassis.testing.databases import TestServer
from quart_chassis.testing.routes import TOKEN
from quart_chassis.testing.servers import RunningServer, manage, running
from quart_chassis.testing.waiting import HANG_SECONDS

expect.set_options(timeout=HANG_SECONDS * 1000)

NewPage = Callable[..., Coroutine[Any, Any, Page]]


@pytest.fixture(scope="session")
def program() -> str:
    """The path of Chromium; without it these tests are skipped, or fail in CI."""
    found = chromium.find()
    if found is None:
        reason = "no Chromium on PATH (Debian: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def server(
    test_server: TestServer, project: Project, program: str
) -> Iterator[RunningServer]:
    """A server of the application, for all tests with a browser."""
    name = test_server.new_database(test_server.template(project))
    address = test_server.url(name)
    with running(
        manage("run", "--port", "0"), DATABASE_URL=address, ADMIN_TOKEN=TOKEN
    ) as server:
        yield server
    test_server.drop(name)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(program: str) -> AsyncIterator[Browser]:
    async with chromium.browser(program) as launched:
        yield launched


@pytest_asyncio.fixture(loop_scope="session")
async def new_page(browser: Browser, server: RunningServer) -> AsyncIterator[NewPage]:
    """Open pages, each in a browser context of its own.

    The test fails on an error in the console, a breach of the content security policy,
    or a request to another host.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # The browser logs the status of this error page, of a form with errors, and of
        # the icon that it looks for by itself.
        expected = message.location["url"].endswith(("/nowhere", "/favicon.ico"))
        if expected or "status of 422" in message.text:
            return
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def see(request: Request) -> None:
        if not request.url.startswith(server.url):
            complaints.append(f"a request to {request.url}")

    async def make(**options: Any) -> Page:
        context = await browser.new_context(base_url=server.url, **options)
        context.set_default_timeout(HANG_SECONDS * 1000)
        contexts.append(context)
        context.on("console", hear)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("request", see)
        return await context.new_page()

    yield make
    for context in contexts:
        await context.close()
    assert complaints == []
