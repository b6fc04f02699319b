"""Pictures of the page for the documents: scripts/screenshots.py ADDRESS."""

import asyncio
import sys
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from quart_chassis.testing import chromium  # noqa: E402

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


async def main(address: str) -> None:
    """Write docs/page-light.png and docs/page-dark.png, of a server at `address`."""
    program = chromium.find()
    if program is None:
        sys.exit("no Chromium on PATH; install it (Debian: apt-get install chromium)")
    async with chromium.browser(program) as browser:
        for theme in THEMES:
            page = await browser.new_page(
                color_scheme=theme, viewport={"width": 800, "height": 640}
            )
            await page.goto(address)
            await page.locator(".live:visible").wait_for()
            await page.screenshot(path=ROOT / "docs" / f"page-{theme}.png")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: scripts/screenshots.py ADDRESS, of a server that runs")
    asyncio.run(main(sys.argv[1]))
