"""Whether this worker is draining, and what to call when it begins to."""

from collections.abc import Callable


class Draining:
    """Whether a worker has begun to drain before it stops.

    The event loop calls each of `when_begun` when the server is told to stop.
    """

    def __init__(self) -> None:
        self.begun = False
        self.when_begun: list[Callable[[], None]] = []
