"""Who waits for an answer, and may leave before it is there."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[Any]]
# When work that goes on hears whether its caller has left.
NOTICE_SECONDS = 0.1


class Caller:
    """Who waits for the current task, which is cancelled if they leave.

    Most answers are there before anybody asks: a task for each of them, as Quart has,
    would cost more than the rest.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = False
        self._task = asyncio.current_task()
        self._follower: asyncio.Task[None] | None = None
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(NOTICE_SECONDS, self._begin_to_follow)

    def has_left(self) -> bool:
        """Whether the task was cancelled for this, and for nothing else."""
        return self._left and self._task is not None and not self._task.uncancel()

    def forget(self) -> None:
        """Care no longer whether they leave."""
        self._timer.cancel()
        if self._follower:
            self._follower.cancel()

    def _begin_to_follow(self) -> None:
        self._follower = asyncio.ensure_future(self._follow())

    async def _follow(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left = True
        if self._task is not None:
            self._task.cancel()


def again(first: Any, receive: Receive) -> Receive:
    """What receives the message `first`, and then the others."""
    messages = [first]

    async def receive_again() -> Any:
        return messages.pop() if messages else await receive()

    return receive_again
