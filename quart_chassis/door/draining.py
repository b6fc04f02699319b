"""Whether this worker was told to stop, and who wants to know."""

from collections.abc import Callable


class Draining:
    """A worker's farewell: it has begun, or it has not.

    `when_begun` is called in the event loop as soon as the server is told to stop.
    """

    def __init__(self) -> None:
        self.begun = False
        self.when_begun: list[Callable[[], None]] = []
