"""Room for connections: each takes a file descriptor, and a process has so many."""

import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

if sys.platform != "win32":
    import resource

# Each may take 200 kB, so all of them two gigabytes (docs/security.md).
MOST_CONNECTIONS = 10_000
# For the listener, logs, a trace's collector, and whatever views open.
RESERVED_DESCRIPTORS = 48
# A connection's own, and that of a file that it is sent.
EACH_NEEDS = 2
FEWEST_CONNECTIONS = 16
TOLD_EVERY_SECONDS = 60

log = structlog.stdlib.get_logger()


def most_connections(reserved: int) -> int:
    """How many connections the process may have, beside `reserved` other descriptors.

    The soft limit of descriptors is raised to the hard one: 1,024 is a default for
    programs that use select(2) (setrlimit(2)).
    """
    if sys.platform == "win32":
        return MOST_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = MOST_CONNECTIONS * EACH_NEEDS + RESERVED_DESCRIPTORS + reserved
    wanted = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            soft = wanted
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    left = (soft - RESERVED_DESCRIPTORS - reserved) // EACH_NEEDS
    return max(FEWEST_CONNECTIONS, min(MOST_CONNECTIONS, left))


def most_streams(reserved: int) -> int:
    """How many answers may be left open for long: event streams, WebSockets.

    Nobody closes these to make room, so they get half of it.
    """
    return most_connections(reserved) // 2


class Room:
    """How many connections a worker may have; who is idle longest makes room."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._closed = 0
        self._told = -float(TOLD_EVERY_SECONDS)

    def make(self, connections: Iterable[Any], newest: Any) -> None:
        """Close one of `connections`, which are more than there is room for.

        That is `newest` if all of the others are being answered.
        """
        idle = [
            each
            for each in connections
            if each is not newest and getattr(each, "is_idle", False)
        ]
        closing = min(idle, key=lambda each: each.idle_since, default=newest)
        closing.transport.close()
        self._closed += 1
        if time.monotonic() - self._told >= TOLD_EVERY_SECONDS:
            log.warning(
                "connections were closed to make room for others",
                closed=self._closed,
                most=self.most,
                remedy="raise the limit of open files (ulimit -n), or find out who "
                "opens so many",
            )
            self._told, self._closed = time.monotonic(), 0


@dataclass(frozen=True)
class Bounds:
    """What a connection may do; the settings of these names say what each means."""

    header_bytes: int
    keepalive_seconds: float
    idle_seconds: float
    room: Room
