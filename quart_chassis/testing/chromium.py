"""A real browser: the system's Chromium, driven by Playwright."""

import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--disable-quic", "--disable-component-update"]


def find() -> str | None:
    """The path of the program, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


@asynccontextmanager
async def browser(program: str) -> AsyncIterator[Browser]:
    """A headless browser, with a back-forward cache as people's browsers have."""
    arguments = list(ARGUMENTS)
    if sys.platform != "win32" and os.geteuid() == 0:
        # Chromium refuses to make a sandbox as root.
        arguments.append("--no-sandbox")
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(
            executable_path=program,
            args=arguments,
            ignore_default_args=["--disable-back-forward-cache"],
        )
        try:
            yield launched
        finally:
            await launched.close()
