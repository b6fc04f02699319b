"""Wait for a condition, with a deadline: no test sleeps and hopes."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

POLL_SECONDS = 0.02


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Return as soon as `condition()` is true; fail the test after `seconds`."""
    deadline = time.monotonic() + seconds
    tick = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {condition}"
        tick.wait(POLL_SECONDS)


async def until_async(
    condition: Callable[[], Awaitable[object]], seconds: float = 20
) -> None:
    """The same for a condition that awaits."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110 - nobody can set an event
            await asyncio.sleep(POLL_SECONDS)
