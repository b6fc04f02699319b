"""A form as people have it: in Chromium, which sends what Chromium sends."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, expect

from quart_chassis.project import Project
from quart_chassis.testing.browser import NewPage
from quart_chassis.testing.databases import TestServer
from quart_chassis.testing.routes import TOKEN
from quart_chassis.testing.servers import RunningServer
from tests.quart_chassis.small_project import serving

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture(scope="session")
def server(
    test_server: TestServer, project: Project, program: str
) -> Iterator[RunningServer]:
    """The small application, with a token to sign in."""
    name = test_server.new_database(test_server.template(project))
    with serving(DATABASE_URL=test_server.url(name), ADMIN_TOKEN=TOKEN) as server:
        yield server
    test_server.drop(name)


async def test_a_form_is_filled_in_corrected_and_sent(new_page: NewPage) -> None:
    page = await new_page()
    await page.goto("/shelves")
    await page.get_by_label("Name").fill("top \u00e4\u20ac\U0001f600")
    await page.get_by_label("Width").fill("0")
    await page.get_by_label("Bought on").fill("2026-11-26")
    await page.get_by_label("Seen at").fill("2026-11-26T10:30")
    await page.get_by_role("button", name="Put up").click()
    await expect(page.locator("#width-error")).to_have_text(
        "This value is not allowed."
    )
    width = page.get_by_label("Width")
    await expect(width).to_have_accessible_description("This value is not allowed.")
    await expect(width).to_have_value("0")
    await expect(page.get_by_label("Seen at")).to_have_value("2026-11-26T10:30")
    await width.fill("80")
    await page.get_by_role("button", name="Put up").click()
    told = page.get_by_role("status")
    await expect(told).to_have_text("There is a shelf top \u00e4\u20ac\U0001f600.")
    await expect(page.get_by_role("heading")).to_have_text("Shelves: 1")
    # The form is a page of its own now: loading it again sends nothing.
    await page.reload()
    await expect(page.get_by_role("heading")).to_have_text("Shelves: 1")
    await expect(told).to_have_count(0)


async def test_the_owner_signs_in_and_out(
    new_page: NewPage, server: RunningServer
) -> None:
    page = await new_page()
    await page.goto("/shelves")
    await expect(page.get_by_role("button", name="Clear")).to_have_count(0)
    await page.goto("/shelves/secret")
    await expect(page.get_by_role("heading")).to_have_text("Sign in")
    await page.get_by_label("Token").fill("wrong")
    await page.keyboard.press("Enter")
    told = "This is not the token."
    token = page.get_by_label("Token")
    await expect(token).to_have_accessible_description(told)
    await expect(token).to_have_value("")
    await token.fill(TOKEN)
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{server.url}/shelves/secret")
    await page.goto("/shelves")
    await page.get_by_role("button", name="Clear").click()
    await expect(page.get_by_role("heading")).to_have_text("Shelves: 0")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("status")).to_have_text("You are signed out.")
    await expect(page.get_by_role("link", name="Sign in")).to_be_visible()


@asynccontextmanager
async def another_site(page: str) -> AsyncIterator[str]:
    """The address of a server that has one page, on a port of its own."""
    answer = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{page}".encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1") as listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


async def test_a_form_of_another_port_changes_nothing(
    browser: Browser, server: RunningServer
) -> None:
    """Another port is the same site, so the cookie goes along: the door refuses."""
    form = f'<form method="post" action="{server.url}/shelves/clear"><button>'
    async with another_site(form) as other, await browser.new_context() as context:
        page = await context.new_page()
        await page.goto(f"{server.url}/sign-in")
        await page.get_by_label("Token").fill(TOKEN)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_have_text("You are signed in.")
        await page.goto(other)
        async with page.expect_response("**/shelves/clear") as answered:
            await page.get_by_role("button").click()
        response = await answered.value
        assert response.status == 403
        sent = await response.request.all_headers()
        assert sent["sec-fetch-site"] == "same-site"
        assert "session=" in sent["cookie"]
        await expect(page.get_by_text("A page of another site sent")).to_be_visible()
