"""A server and a browser for the tests in this folder; both are shared by them."""

import os
import secrets
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

from tests.browser import chromium
from tests.conftest import TestServer
from tests.servers import RunningServer, manage, running
from tests.waiting import HANG_SECONDS

expect.set_options(timeout=HANG_SECONDS * 1000)

NewPage = Callable[..., Coroutine[Any, Any, Page]]


@pytest.fixture(scope="session")
def program() -> str:
    """The browser; without one these tests are skipped, but never where CI runs."""
    found = chromium.find()
    if found is None:
        reason = "no Chromium on PATH (Debian: apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def server(test_server: TestServer, program: str) -> Iterator[RunningServer]:
    name = f"test_{test_server.uid}_{secrets.token_hex(4)}"
    test_server.execute(f"CREATE DATABASE {name} TEMPLATE {test_server.template}")
    command = manage("run", "--port", "0")
    with running(
        command, DATABASE_URL=test_server.url(name), ADMIN_TOKEN="t" * 40
    ) as server:
        yield server
    test_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(program: str) -> AsyncIterator[Browser]:
    async with chromium.browser(program) as launched:
        yield launched


@pytest_asyncio.fixture(loop_scope="session")
async def new_page(browser: Browser, server: RunningServer) -> AsyncIterator[NewPage]:
    """Open a page in a browser of its own; what it complains of fails the test.

    That is an error on its console, a breach of the policy, a request to another host.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # The browser notes that an error page is one.
        if message.location["url"].endswith("/nowhere"):
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
