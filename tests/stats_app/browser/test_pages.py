"""The pages about counters, in a browser."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from quart_chassis.testing.browser import NewPage
from quart_chassis.testing.servers import RunningServer

# One browser serves them all, and belongs to one event loop.
pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = ["/counters", "/counters?search=none", "/counters/home"]
PICTURE = "/counters/home/days.svg"
WIDTH = "document.documentElement.scrollWidth"


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
async def test_nobody_is_shut_out(new_page: NewPage, color_scheme: str) -> None:
    page = await new_page(
        color_scheme=color_scheme, viewport={"width": 320, "height": 640}
    )
    await page.goto("/")
    for path in PAGES:
        await page.goto(path)
        for summary in await page.locator("summary").all():
            await summary.click()
        found = await Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert await page.evaluate(WIDTH) <= 320, path


async def test_the_pages_are_whole_without_javascript(new_page: NewPage) -> None:
    page = await new_page(java_script_enabled=False)
    await page.goto("/")
    await page.goto("/counters/home")
    drawn = await page.locator(".chart").bounding_box()
    assert drawn is not None
    assert drawn["height"] > 100
    await page.get_by_text("The same as a table").click()
    await expect(page.locator("tbody tr")).to_have_count(30)
    await page.goto("/counters")
    await page.get_by_label("Part of a name").fill("om")
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("link", name="home", exact=True).click()
    await expect(page.locator("h1")).to_have_text("home")


async def test_the_number_follows(new_page: NewPage, server: RunningServer) -> None:
    page = await new_page()
    await page.request.post("/api/counters/followed/increment")
    await page.goto("/counters/followed")
    await expect(page.locator(".live")).to_be_visible()
    await page.request.post("/api/counters/followed/increment", data={"amount": 4999})
    await expect(page.locator(".number")).to_have_text("5,000")
    assert await page.title() == "5,000 visits: followed"
    assert server.get("/api/counters/followed").json()["value"] == 5000


async def test_the_keyboard_reaches_what_scrolls(new_page: NewPage) -> None:
    page = await new_page(viewport={"width": 320, "height": 640})
    await page.goto("/")
    await page.goto("/counters/home")
    regions = page.get_by_role("region")
    names = [await each.get_attribute("aria-label") for each in await regions.all()]
    reached = set()
    await page.locator("h1").click()
    for _ in range(3 * len(names)):
        await page.keyboard.press("Tab")
        reached.add(await page.evaluate("document.activeElement.ariaLabel"))
    assert set(names) - {"Days"} <= reached


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
async def test_the_chart_by_itself_has_its_colours(
    new_page: NewPage, color_scheme: str
) -> None:
    """Its style is let in, as the policy of its answer says."""
    page = await new_page(color_scheme=color_scheme)
    await page.goto("/")
    await page.goto(PICTURE)
    filled = await page.locator("rect").first.evaluate(
        "each => getComputedStyle(each).fill"
    )
    assert (
        filled
        == {"light": "rgb(11, 107, 58)", "dark": "rgb(95, 211, 154)"}[color_scheme]
    )
