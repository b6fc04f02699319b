"""Pictures of the page for docs/counter_app; give the address of a running server."""

import asyncio
import sys
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from quart_chassis.testing import chromium  # noqa: E402

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
PICTURES = {"docs/counter_app/page": "/"}


def main(pictures: dict[str, str]) -> None:
    """Take pictures of the server at the address that was typed."""
    if len(sys.argv) != 2:
        sys.exit("usage: screenshots.py ADDRESS, of a server that runs")
    asyncio.run(take(sys.argv[1].rstrip("/"), pictures))


async def take(address: str, pictures: dict[str, str]) -> None:
    """Write each picture in light and in dark; a page's path by the picture's name."""
    program = chromium.find()
    if program is None:
        sys.exit("no Chromium on PATH; install it (Debian: apt-get install chromium)")
    async with chromium.browser(program) as browser:
        for theme in THEMES:
            page = await browser.new_page(
                color_scheme=theme, viewport={"width": 800, "height": 640}
            )
            for picture, path in pictures.items():
                await page.goto(address + path)
                if await page.locator(".live").count():
                    await page.locator(".live:visible").wait_for()
                await page.screenshot(path=ROOT / f"{picture}-{theme}.png")


if __name__ == "__main__":
    main(PICTURES)
