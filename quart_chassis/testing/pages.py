"""Every page as people have it: in a browser."""

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from quart_chassis.testing.browser import NewPage
from quart_chassis.testing.routes import TOKEN

# One browser serves them all, and belongs to one event loop.
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def addresses(page: Page) -> list[str]:
    """Where the navigation leads; and a page that does not exist."""
    await page.goto("/app-settings")
    links = await page.locator("nav a").all()
    found = [await link.get_attribute("href") or "" for link in links]
    assert {"/docs", "/sign-in"} <= set(found)
    return [*found, "/nowhere"]


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
async def test_nobody_is_shut_out(new_page: NewPage, color_scheme: str) -> None:
    """Axe finds nothing on any page; none is wider than a small telephone."""
    page = await new_page(
        color_scheme=color_scheme,
        viewport={"width": 320, "height": 640},
        reduced_motion="reduce",
    )
    for path in await addresses(page):
        await page.goto(path)
        # What Swagger UI draws is its authors' own.
        found = await Axe().run(page, {"exclude": [["#api"]]})
        assert found.violations_count == 0, found.generate_report()
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= 320, path


async def test_each_page_has_its_heading_before_any_script_runs(
    new_page: NewPage,
) -> None:
    page = await new_page(java_script_enabled=False)
    for path in await addresses(page):
        await page.goto(path)
        assert await page.locator("h1").count() == 1, path


async def test_the_keyboard_reaches_everything(new_page: NewPage) -> None:
    page = await new_page()
    await page.goto("/app-settings")
    links = [await page.locator(".skip").inner_text()]
    links += await page.locator("nav a").all_inner_texts()
    reached = []
    for _ in range(len(links)):
        await page.keyboard.press("Tab")
        focused = page.locator(":focus")
        reached.append(await focused.inner_text())
        outline = await focused.evaluate("each => getComputedStyle(each).outlineStyle")
        assert outline != "none"
    assert reached == links
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/sign-in")


async def test_what_was_done_is_told_on_the_next_page(new_page: NewPage) -> None:
    page = await new_page(viewport={"width": 320, "height": 640})
    await page.goto("/sign-in")
    await page.get_by_label("Token").fill(TOKEN)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("You are signed in.")
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("status")).to_have_text("You are signed out.")


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
async def test_a_wrong_form_shuts_nobody_out(
    new_page: NewPage, color_scheme: str
) -> None:
    page = await new_page(
        color_scheme=color_scheme, viewport={"width": 320, "height": 640}
    )
    await page.goto("/sign-in")
    await page.get_by_label("Token").fill("wrong")
    await page.keyboard.press("Enter")
    told = "The ADMIN_TOKEN of this server. This is not the token."
    token = page.get_by_label("Token")
    await expect(token).to_have_accessible_description(told)
    found = await Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
