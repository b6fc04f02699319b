"""What must not be cut short by Ctrl-C."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Defer Ctrl-C and SIGTERM until the block has ended.

    A server that is half started cannot be stopped, and would keep running.
    """
    came: list[int] = []
    signals = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(one) for one in signals]
    try:
        for one in signals:
            signal.signal(one, lambda number, _: came.append(number))
        yield
    finally:
        for one, handler in zip(signals, before, strict=True):
            signal.signal(one, handler)
        for number in came:
            signal.raise_signal(number)
