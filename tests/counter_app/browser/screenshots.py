"""Pictures of the page for docs/counter_app; give the address of a running server."""

import asyncio
import sys
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT))

from quart_chassis.testing import chromium  # noqa: E402

FOLDER = ROOT / "docs" / "counter_app"
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


async def main(address: str) -> None:
    """Write page-light.png and page-dark.png, of a server at `address`."""
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
            await page.screenshot(
                path=ROOT / "docs" / "counter_app" / f"page-{theme}.png"
            )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: screenshots.py ADDRESS, of a server that runs")
    asyncio.run(main(sys.argv[1]))
