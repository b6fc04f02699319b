"""What one caller's connection may send and keep, and how long it may be silent.

Uvicorn bounds neither request line nor headers, keeps all that arrives while answers
wait, and waits for ever for the rest of a request. It lets an application choose the
class of its connections; this one parses what arrives piece by piece.
"""

from asyncio import Transport
from functools import partial
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn import Config
from uvicorn.server import ServerState

from quart_chassis.serve import websockets
from quart_chassis.serve.deadline import Deadline
from quart_chassis.serve.flow import HeldFlow
from quart_chassis.serve.heads import (
    PIECE_BYTES,
    TIMED_OUT,
    BoundedHeads,
    Refused,
    answer_of,
)
from quart_chassis.serve.joined import joined
from quart_chassis.serve.room import Bounds, Room, most_connections
from quart_chassis.settings import Settings

HEAD_ENDS = b"\r\n\r\n"


def bounded(settings: Settings) -> dict[str, Any]:
    """Uvicorn's options for connections that are bounded as the settings say."""
    bounds = Bounds(
        settings.HEADER_LIMIT_BYTES,
        settings.KEEPALIVE_SECONDS,
        settings.IDLE_SECONDS,
        Room(most_connections(settings.DB_POOL_SIZE)),
    )
    return {"http": partial(Connection, bounds), **websockets.OPTIONS}


class Connection(BoundedHeads):
    """A connection whose memory and whose silence are bounded.

    One request is parsed ahead of the one that is being answered. What else arrived
    waits as it is, and is dropped, with the connection, if it is longer than a head may
    be: who sends so many requests without reading an answer sends them again.
    """

    flow: HeldFlow

    def __init__(
        self,
        bounds: Bounds,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: Any = None,
    ) -> None:
        super().__init__(bounds.header_bytes, config, server_state, app_state, _loop)
        # Uvicorn says int, and the event loop takes any number.
        self.timeout_keep_alive = bounds.keepalive_seconds  # type: ignore[assignment]
        self._bounds = bounds
        self._waiting, self._parsed = b"", 0
        self._upgraded = False
        self._status: HTTPStatus | None = None
        self._deadline = Deadline(self.loop, bounds.idle_seconds, self._give_up)
        # On the event loop's clock.
        self.idle_since = 0.0

    # Uvicorn narrows asyncio's argument in the same way.
    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(joined(transport, self.loop))
        self.flow = HeldFlow(transport)
        self.idle_since = self.loop.time()
        self._deadline.start()
        room = self._bounds.room
        if len(self.connections) > room.most:
            room.make(self.connections, self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._deadline.stop()
        self._forget_what_waits()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._waiting = self._waiting[self._parsed :] + data if self._waiting else data
        self._parsed = 0
        self._parse()

    def _parse(self) -> None:
        """Parse what waits, until an answer must be waited for."""
        while self._parsed < len(self._waiting):
            if self.pipeline:
                self._hold()
                return
            self._feed(self._next_piece())
            if self._status or self._upgraded or self.transport.is_closing():
                return
        self._forget_what_waits()
        if self.in_message or self.is_idle:
            self._deadline.start()
        else:
            self._deadline.stop()

    def _next_piece(self) -> bytes:
        """The next bytes to parse, with the end of one head at most."""
        start, most = self._parsed, self._parsed + PIECE_BYTES
        end = self._waiting.find(HEAD_ENDS, start, most)
        self._parsed = most if end < 0 else end + len(HEAD_ENDS)
        return self._waiting[start : self._parsed]

    def _feed(self, piece: bytes) -> None:
        try:
            self.parse(piece)
        except httptools.HttpParserUpgrade:
            if websockets.is_malformed(self.headers):
                self._refuse(HTTPStatus.BAD_REQUEST)
                return
            # From now on the transport has another protocol, with its own times.
            self._upgraded = True
            self._forget_what_waits()
            self._deadline.stop()
            self.handle_websocket_upgrade()
        except Refused as refused:
            self._refuse(refused.status)

    def _forget_what_waits(self) -> None:
        self._waiting, self._parsed = b"", 0

    def _hold(self) -> None:
        """Parse no more before the answer that is being written has been.

        Only reading shows that the caller has left, so that ends when too much waits.
        """
        if len(self._waiting) - self._parsed <= self.most_bytes:
            self.flow.resume_reading()
            return
        self._forget_what_waits()
        self.pipeline[0][0].keep_alive = False
        self.flow.held = True
        self.flow.pause_reading()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.idle_since = self.loop.time()
        if self.transport.is_closing() or self.pipeline:
            return
        if self._status:
            self._refuse(self._status)
        elif self.flow.held or self._waiting:
            self.flow.held = False
            self.flow.resume_reading()
            self._parse()
        elif self.in_message:
            # The rest of a body that nobody reads.
            self._unset_keepalive_if_required()
            self._deadline.start()

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer that nothing more is taken, after what was asked before."""
        self._status = status
        self._forget_what_waits()
        self._deadline.stop()
        self.flow.held = True
        self.flow.pause_reading()
        if self.in_message and not self.in_head:
            self._refuse_body(status)
            return
        if self.cycle is not None and not self.cycle.response_complete:
            return
        self.transport.write(answer_of(status))
        self.transport.close()

    def _refuse_body(self, status: HTTPStatus) -> None:
        """Answer in the place of the view, unless it has answered already."""
        if not self.cycle.response_started:
            self.transport.write(answer_of(status))
        self.let_go(self.cycle)
        self.transport.close()

    @property
    def is_idle(self) -> bool:
        """Whether closing it loses no answer."""
        return self.cycle is None or self.cycle.response_complete

    def _give_up(self) -> None:
        if self.transport.is_closing():
            return
        if not self.is_idle:
            # The view has a limit of its own for the body it waits for.
            self.cycle.keep_alive = False
        elif self.in_head:
            self._refuse(TIMED_OUT)
        else:
            self.transport.close()
