"""Connections that are lost without a word, as a firewall forgets them."""

import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import asyncpg
from sqlalchemy import ExceptionContext, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

# When an idle connection is tried, how often again, and how many times. Firewalls
# forget connections after minutes; Linux would first try after two hours.
KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}


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


def replace_connections(engine: AsyncEngine) -> None:
    """Replace lost connections when they are taken from the pool.

    A server that does not answer costs one wait, not one for each connection. It would
    have given up a statement before asyncpg did, so it is lost, and with it all that
    was opened before. SQLAlchemy takes the timeout for the caller's own, and would say
    goodbye on each of them.
    """
    lost_at = 0.0

    def note_loss(error: BaseException | None) -> None:
        nonlocal lost_at
        if isinstance(error, TimeoutError):
            lost_at = time.monotonic()

    @event.listens_for(engine.sync_engine, "handle_error")
    def hear_of_statement(context: ExceptionContext) -> None:
        note_loss(context.original_exception)

    @event.listens_for(engine.sync_engine, "invalidate")
    def hear_of_connection(
        _connection: "DBAPIConnection",
        _entry: "ConnectionPoolEntry",
        error: BaseException | None,
    ) -> None:
        note_loss(error)

    # SQLAlchemy's own ping costs three round trips. This costs none, because a server
    # that stops closes its connections.
    @event.listens_for(engine.sync_engine, "checkout")
    def replace(
        connection: "DBAPIConnection",
        entry: "ConnectionPoolEntry",
        _proxy: "PoolProxiedConnection",
    ) -> None:
        is_closed = connection.driver_connection.is_closed()
        if is_closed or entry.info["opened_at"] <= lost_at:
            raise DisconnectionError

    @event.listens_for(engine.sync_engine, "connect")
    def note(_connection: "DBAPIConnection", entry: "ConnectionPoolEntry") -> None:
        entry.info["opened_at"] = time.monotonic()

    @event.listens_for(engine.sync_engine, "close")
    def abort(connection: "DBAPIConnection", entry: "ConnectionPoolEntry") -> None:
        if entry.info["opened_at"] <= lost_at:
            connection.driver_connection.terminate()
