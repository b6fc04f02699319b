"""Which of several hosts serves, as it changes with a failover."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg

from quart_chassis.database.connections import LimitedConnection
from quart_chassis.database.unavailable import says_unavailable

# SQLSTATEs of what is wrong on every host alike. Classes: authorization, no such
# database. Code: missing privilege.
SAME_EVERYWHERE = ("28", "3D", "42501")


class Hosts:
    """Connects to the first host that serves, beginning with the one that did last.

    asyncpg has one timeout for all hosts together, so that a frozen one would leave no
    time for the others.
    """

    def __init__(self) -> None:
        self._first = 0

    async def connect(
        self, addresses: Sequence[dict[str, Any]], **options: Any
    ) -> LimitedConnection:
        """A connection to one of `addresses`: asyncpg's arguments for each host.

        If none serves, the error of one that should have.
        """
        errors: list[Exception] = []
        for number in range(self._first, self._first + len(addresses)):
            host = number % len(addresses)
            try:
                connection: LimitedConnection = await asyncpg.connect(
                    **(addresses[host] | options),
                    connection_class=LimitedConnection,
                )
            except asyncio.CancelledError:
                # Who waited for it waits no longer: it may be frozen.
                self._first = host + 1
                raise
            except Exception as error:
                if not _may_be_another_hosts(error):
                    raise
                errors.append(error)
            else:
                connection.host = self._first = host
                return connection
        raise min(errors, key=_is_of_its_role)

    def leave(self, connection: LimitedConnection) -> None:
        """Begin with the next host, because this connection's no longer answers.

        It may let clients in and yet commit nothing, as a primary does that was
        replaced without its knowing.
        """
        if connection.host == self._first:
            self._first += 1


def _may_be_another_hosts(error: Exception) -> bool:
    state = str(getattr(error, "sqlstate", ""))
    return says_unavailable(error) and not state.startswith(SAME_EVERYWHERE)


def _is_of_its_role(error: Exception) -> bool:
    return isinstance(error, asyncpg.TargetServerAttributeNotMatched)
