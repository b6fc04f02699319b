"""The page as people have it: in a browser."""

import asyncio
import re

import pytest
from playwright.async_api import Page, expect

from quart_chassis.testing.browser import NewPage
from quart_chassis.testing.servers import RunningServer
from quart_chassis.testing.waiting import until

# One browser serves them all, and belongs to one event loop.
pytestmark = pytest.mark.asyncio(loop_scope="session")

ADMIN = {"Authorization": f"Bearer {'t' * 40}"}


async def shown(page: Page) -> int:
    """The number on the page, as a screen reader has it."""
    text = await page.locator("h1").text_content() or ""
    return int(text.removeprefix("Counter: "))


def stored(server: RunningServer) -> int:
    value: int = server.get("/api/counters/home").json()["value"]
    return value


async def test_a_reload_counts(new_page: NewPage) -> None:
    page = await new_page()
    await page.goto("/")
    first = await shown(page)
    await page.reload()
    assert await shown(page) == first + 1


async def test_a_second_visit_appears_in_the_first_window(
    new_page: NewPage, server: RunningServer
) -> None:
    first = await new_page()
    await first.goto("/")
    await expect(first.locator(".live")).to_be_visible()
    second = await new_page()
    await second.goto("/")
    value = await shown(second)
    await expect(first.locator("h1")).to_have_text(f"Counter: {value}")
    await expect(first.locator(".number")).to_have_text(f"{value:,}")
    assert f"{value:,} visits" == await first.title()


async def test_the_number_follows_below_a_path_prefix_too(
    new_page: NewPage, server: RunningServer
) -> None:
    """As behind a proxy that says so; the server believes what comes from here."""
    page = await new_page(extra_http_headers={"X-Forwarded-Prefix": "/some/where"})
    await page.goto("/some/where/")
    await expect(page.locator(".live")).to_be_visible()
    visited = await new_page()
    await visited.goto("/")
    value = await shown(visited)
    await expect(page.locator("h1")).to_have_text(f"Counter: {value}")


async def test_the_page_is_whole_without_javascript(new_page: NewPage) -> None:
    page = await new_page(java_script_enabled=False)
    await page.goto("/")
    value = await shown(page)
    await expect(page.locator(".number")).to_have_text(f"{value:,}")
    await expect(page.locator(".live")).to_be_hidden()


@pytest.mark.parametrize("value", [99_999, 9_999_998, 999_999_999, 2**63 - 1])
async def test_every_number_fits(
    new_page: NewPage, server: RunningServer, value: int
) -> None:
    page = await new_page(viewport={"width": 320, "height": 640})
    await page.goto("/")
    before = stored(server)
    await put(page, value)
    await expect(page.locator(".number")).to_have_text(f"{value:,}")
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    await put(page, 1)
    await expect(page.locator(".unit")).to_have_text("visit")
    await put(page, before)


async def put(page: Page, value: int) -> None:
    answer = await page.request.put(
        "/api/counters/home", data={"value": value}, headers=ADMIN
    )
    assert answer.ok


@pytest.mark.parametrize("kind", ["prefetch", "prerender"])
async def test_what_the_browser_loads_ahead_is_not_counted(
    new_page: NewPage, server: RunningServer, kind: str
) -> None:
    """By a page of another kind on the same host, as sites do to be quick."""
    page = await new_page(bypass_csp=True)
    await page.goto("/")
    before = stored(server)
    await page.goto("/docs")
    await load_ahead(page, server, kind)
    assert stored(server) == before


async def test_a_page_that_was_loaded_ahead_is_counted_once_when_it_is_shown(
    new_page: NewPage, server: RunningServer
) -> None:
    page = await new_page(bypass_csp=True)
    await page.goto("/docs")
    await load_ahead(page, server, "prefetch")
    before, asked = stored(server), times_asked(server)
    async with page.expect_response("**/increment"):
        await page.evaluate("location.href = '/?prefetch'")
    await expect(page.locator(".live")).to_be_visible()
    assert "prefetch" in await page.evaluate(
        "performance.getEntriesByType('navigation')[0].deliveryType"
    )
    await expect(page.locator("h1")).to_have_text(f"Counter: {before + 1}")
    await page.go_back()
    await page.evaluate("history.forward()")
    await page.wait_for_url("**/?prefetch")
    await expect(page.locator(".live")).to_be_visible()

    def is_counted_once() -> bool:
        # A browser that does not keep the page asks for it again: another visit.
        return stored(server) == before + 1 + times_asked(server) - asked

    await asyncio.to_thread(until, is_counted_once)


async def test_a_page_that_was_rendered_ahead_is_counted_when_it_is_shown(
    new_page: NewPage, server: RunningServer
) -> None:
    """As the browser tells it to the page; one that is driven renders none ahead."""
    page = await new_page(extra_http_headers={"Sec-Purpose": "prefetch;prerender"})
    await page.add_init_script(
        "Object.defineProperty(document, 'prerendering', {value: true})"
    )
    before = stored(server)
    await page.goto("/")
    await expect(page.locator(".live")).to_be_visible()
    assert stored(server) == before
    async with page.expect_response("**/increment"):
        await page.evaluate("document.dispatchEvent(new Event('prerenderingchange'))")
    await page.evaluate("document.dispatchEvent(new Event('prerenderingchange'))")
    await expect(page.locator("h1")).to_have_text(f"Counter: {before + 1}")
    assert stored(server) == before + 1


async def test_a_visit_whose_answer_is_lost_is_sent_again_and_counted_once(
    new_page: NewPage, server: RunningServer
) -> None:
    page = await new_page(extra_http_headers={"Sec-Purpose": "prefetch"})
    await page.clock.install()
    before = stored(server)
    await page.add_init_script(
        """const reach = fetch;
        fetch = async (...request) => {
            await reach(...request);
            fetch = reach;
            throw new TypeError("the answer is lost");
        };"""
    )
    async with page.expect_response("**/increment") as first:
        await page.goto("/")
    async with page.expect_response("**/increment") as second:
        await page.clock.run_for(5000)
    for answer, replayed in ((first, None), (second, "true")):
        headers = await (await answer.value).all_headers()
        assert headers.get("idempotency-replayed") == replayed
    assert stored(server) == before + 1


async def test_the_owner_has_their_visits_not_counted(
    new_page: NewPage, server: RunningServer
) -> None:
    page = await new_page()
    await page.goto("/")
    await expect(page.get_by_role("button", name="my visits")).to_have_count(0)
    await page.goto("/sign-in")
    await page.get_by_label("Token").fill("t" * 40)
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{server.url}/")
    await page.get_by_role("button", name="Do not count my visits").click()
    await expect(page.get_by_text("are not counted")).to_be_visible()
    before = stored(server)
    await page.reload()
    assert await shown(page) == stored(server) == before
    await page.get_by_role("button", name="Count my visits again").click()
    assert await shown(page) == before + 1


async def load_ahead(page: Page, server: RunningServer, kind: str) -> None:
    """Have the browser load the page, as `prefetch` or to `prerender` it."""
    asked = times_asked(server)
    await page.evaluate(
        """kind => {
            const rules = document.createElement("script");
            rules.type = "speculationrules";
            const now = {source: "list", urls: [`/?${kind}`], eagerness: "immediate"};
            rules.textContent = JSON.stringify({[kind]: [now]});
            document.head.append(rules);
        }""",
        kind,
    )
    await asyncio.to_thread(until, lambda: times_asked(server) > asked)


def times_asked(server: RunningServer) -> int:
    """How often the server was asked for the page."""
    return sum('"path": "/"' in line for line in server.lines)


async def test_going_back_shows_no_old_number_as_new(
    new_page: NewPage, server: RunningServer
) -> None:
    page = await new_page()
    await page.goto("/")
    await expect(page.locator(".live")).to_be_visible()
    await page.get_by_role("link", name="Settings").click()
    await page.wait_for_url("**/app-settings")
    await page.request.post("/api/counters/home/increment", data={"amount": 5})
    await page.go_back()
    await expect(page.locator("h1")).to_have_text(
        re.compile(rf"Counter: ({stored(server)}|{stored(server) + 1})")
    )
    await expect(page.locator(".stale")).to_have_count(0)


async def test_the_api_can_be_tried_on_its_page(
    new_page: NewPage, server: RunningServer
) -> None:
    """With a token, with no request to another host and nothing on the console."""
    page = await new_page()
    await page.request.post("/api/counters/tried/increment")
    await page.goto("/docs")
    await page.locator(".scheme-container").get_by_role("button").click()
    dialog = page.locator(".modal-ux")
    await dialog.locator("input").fill("t" * 40)
    await dialog.locator("button.authorize").click()
    await dialog.locator("button.btn-done").click()
    operation = page.locator(".opblock-delete")
    await operation.locator(".opblock-summary-control").click()
    await operation.locator(".try-out__btn").click()
    await operation.locator("input").fill("tried")
    await operation.locator("button.execute").click()
    answered = operation.locator(".live-responses-table .response-col_status")
    await expect(answered.last).to_have_text(re.compile("204"))
    assert server.get("/api/counters/tried").status_code == 404
