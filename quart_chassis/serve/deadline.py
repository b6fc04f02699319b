"""A time after which something is given up."""

from asyncio import AbstractEventLoop, TimerHandle
from collections.abc import Callable


class Deadline:
    """Calls `give_up` so many seconds after `start`, unless it was stopped."""

    def __init__(
        self, loop: AbstractEventLoop, seconds: float, give_up: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._give_up = give_up
        self._timer: TimerHandle | None = None

    def start(self) -> None:
        """Begin to count, unless it does already."""
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._end)

    def stop(self) -> None:
        """Count no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._timer = None
        self._give_up()
