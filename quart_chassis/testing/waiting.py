"""Wait for a condition, with a deadline: no test sleeps and hopes."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

POLL_SECONDS = 0.02
# Ends a test that hangs; no machine is slow enough to need as long.
HANG_SECONDS = 180


def until(condition: Callable[[], object]) -> None:
    """Return as soon as `condition()` is true; fail the test if it never is."""
    deadline = time.monotonic() + HANG_SECONDS
    tick = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"never: {condition}"
        tick.wait(POLL_SECONDS)


async def until_async(condition: Callable[[], Awaitable[object]]) -> None:
    """Like `until`, for a condition that awaits."""
    async with asyncio.timeout(HANG_SECONDS):
        while not await condition():  # noqa: ASYNC110 - nobody can set an event
            await asyncio.sleep(POLL_SECONDS)
