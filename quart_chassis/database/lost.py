"""Connections that are lost without a word, as a firewall forgets them."""

import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import asyncpg
from sqlalchemy import ExceptionContext, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine

from quart_chassis.database.hosts import Hosts

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

# When an idle connection is tried, how often again, and how many times. Firewalls
# forget connections after minutes; Linux would first try after two hours.
KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}

READ_ONLY = "25006"


def keep_alive(connection: asyncpg.Connection) -> None:
    """Have the kernel try the connection while it is idle, as libpq does.

    asyncpg offers no way to its socket (asyncpg issue 606).
    """
    opened = connection._transport.get_extra_info("socket")
    if opened is None or opened.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        # Systems have not all of them.
        with suppress(AttributeError, OSError):
            opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class Replacing:
    """Replaces an engine's lost connections when they are taken from its pool.

    A server that does not answer costs one wait, not one for each connection. It would
    have given up a statement before asyncpg did, so it is lost, and with it all that
    was opened before; another one of its `hosts` may serve. SQLAlchemy takes the
    timeout for the caller's own, and would say goodbye on each of them.

    So is a server that refuses to write: it was the primary, or never was.
    """

    def __init__(self, engine: AsyncEngine, hosts: Hosts) -> None:
        self._hosts = hosts
        self._lost_at = 0.0
        event.listen(engine.sync_engine, "connect", self._note)
        event.listen(engine.sync_engine, "checkout", self._replace)
        event.listen(engine.sync_engine, "close", self._abort)
        event.listen(engine.sync_engine, "handle_error", self._hear_of_statement)
        event.listen(engine.sync_engine, "invalidate", self._hear_of_connection)

    def _note(
        self, _connection: "DBAPIConnection", entry: "ConnectionPoolEntry"
    ) -> None:
        entry.info["opened_at"] = time.monotonic()

    # SQLAlchemy's own ping costs three round trips. This costs none, because a server
    # that stops closes its connections.
    def _replace(
        self,
        connection: "DBAPIConnection",
        entry: "ConnectionPoolEntry",
        _proxy: "PoolProxiedConnection",
    ) -> None:
        if connection.driver_connection.is_closed() or self._is_lost(entry):
            raise DisconnectionError

    def _abort(
        self, connection: "DBAPIConnection", entry: "ConnectionPoolEntry"
    ) -> None:
        if self._is_lost(entry):
            connection.driver_connection.terminate()

    def _is_lost(self, entry: "ConnectionPoolEntry") -> bool:
        opened_at: float = entry.info["opened_at"]
        return opened_at <= self._lost_at

    def _hear_of_statement(self, context: ExceptionContext) -> None:
        if context.connection is not None:
            pooled = context.connection.connection
            self._note_loss(context.original_exception, pooled.dbapi_connection)

    def _hear_of_connection(
        self,
        connection: "DBAPIConnection",
        _entry: "ConnectionPoolEntry",
        error: BaseException | None,
    ) -> None:
        self._note_loss(error, connection)

    def _note_loss(
        self, error: BaseException | None, connection: "DBAPIConnection | None"
    ) -> None:
        if connection is None:
            return
        # A standby lets in whoever asked for any host, and never takes a write.
        refused = getattr(error, "sqlstate", "") == READ_ONLY
        if isinstance(error, TimeoutError) or (refused and not connection.readonly):
            self._lost_at = time.monotonic()
            self._hosts.leave(connection.driver_connection)
