"""How often somebody may guess a secret."""

import time
from collections import Counter
from collections.abc import Callable
from ipaddress import ip_address
from math import ceil

MINUTE_SECONDS = 60
# Of one host, and of all of them together, which bounds the memory, too.
TRIES_OF_HOST = 10
TRIES_OF_ALL = 100


class Tries:
    """The wrong guesses of the current minute, of each host; later they are forgotten.

    Each worker counts its own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends = 0.0
        self._wrong: Counter[str] = Counter()

    def seconds_to_wait(self, address: str) -> int:
        """How long this address must wait until it may guess again; 0 if it may."""
        left = self._ends - self._clock()
        if left <= 0:
            self._wrong.clear()
            return 0
        too_many = self._wrong[_host(address)] >= TRIES_OF_HOST
        too_many |= self._wrong.total() >= TRIES_OF_ALL
        return ceil(left) * too_many

    def note(self, address: str) -> None:
        """Count a wrong guess."""
        if not self._wrong:
            self._ends = self._clock() + MINUTE_SECONDS
        self._wrong[_host(address)] += 1


def _host(address: str) -> str:
    """The address; of IPv6 its first half, as a host can choose the other one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(int(parsed) >> 64)
