"""Badges as a browser draws them."""

import pytest
from playwright.async_api import Page

from my_app.badge_app import glyphs
from quart_chassis.testing.browser import NewPage

# One browser serves them all, and belongs to one event loop.
pytestmark = pytest.mark.asyncio(loop_scope="session")

FONT = "DejaVu Sans"
MEASURE = """([texts, font]) => {
  const context = document.createElement("canvas").getContext("2d");
  context.font = font;
  return texts.map((text) => context.measureText(text).width);
}"""


async def measured(page: Page, texts: list[str], font: str) -> list[float]:
    widths: list[float] = await page.evaluate(MEASURE, [texts, font])
    return widths


@pytest.mark.parametrize("is_bold", [False, True])
async def test_text_is_as_wide_as_is_reckoned(new_page: NewPage, is_bold: bool) -> None:
    page = await new_page()
    await page.goto("/livez")
    weight = "bold" if is_bold else "normal"
    font = f"{weight} 100px '{FONT}', monospace"
    if await measured(page, ["miW"], font) == await measured(
        page, ["miW"], f"{weight} 100px monospace"
    ):
        pytest.skip(f"no {FONT} here (Debian: apt-get install fonts-dejavu-core)")
    table = glyphs._BY_CHARACTER[is_bold]
    widths = await measured(page, list(table), font)
    for character, width in zip(table, widths, strict=True):
        reckoned = glyphs.width_of(character, 100, is_bold=is_bold)
        assert abs(width - reckoned) < 1, character


async def test_the_whole_label_is_seen(new_page: NewPage) -> None:
    """Also where the width of its letters can only be guessed."""
    page = await new_page()
    for label in (
        "Grüße",
        "Ünïçödé",
        "ביקורים",
        "訪問者数",
        "👩‍👩‍👧 visits",
        "Visites",
    ):
        for style in ("flat", "for-the-badge"):
            await page.goto(f"/badges/a.svg?count=false&label={label}&style={style}")
            fits: bool = await page.evaluate(
                """() => {
                  const [half] = document.querySelectorAll("rect[x]");
                  const [text] = document.querySelectorAll("text");
                  const { left, right } = text.getBoundingClientRect();
                  const bounds = half.getBoundingClientRect();
                  return left >= bounds.left && right <= bounds.right;
                }"""
            )
            assert fits, (label, style)
