"""What one caller's connection may send and keep, and how long it may be silent.

Uvicorn bounds neither request line nor headers, goes on reading while answers wait, and
waits for ever for the rest of a request. All of it is kept in memory, so one connection
without a name or password could take all there is. Uvicorn lets an application choose
the class of its connections; this one parses what arrives piece by piece.
"""

from asyncio import TimerHandle, Transport
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from quart_chassis.serve.room import Room, most_connections
from quart_chassis.settings import Settings

# As Apache has it (LimitRequestFields).
MOST_HEADERS = 100
# What is parsed at once; a head ends a piece. A part of a line that has not ended yet
# may pass its bound by so much.
PIECE_BYTES = 4096
HEAD_ENDS = b"\r\n\r\n"
BAD_REQUEST = HTTPStatus.BAD_REQUEST
TIMED_OUT = HTTPStatus.REQUEST_TIMEOUT
URI_TOO_LONG = HTTPStatus.REQUEST_URI_TOO_LONG
HEADERS_TOO_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


@dataclass(frozen=True)
class Bounds:
    """What a connection may do; the settings of these names say what each means."""

    header_bytes: int
    keepalive_seconds: float
    idle_seconds: float
    room: Room


def bounded(settings: Settings) -> Any:
    """What Uvicorn makes connections with, as the settings bound them."""
    return partial(
        Connection,
        Bounds(
            settings.HEADER_LIMIT_BYTES,
            settings.KEEPALIVE_SECONDS,
            settings.IDLE_SECONDS,
            Room(most_connections(settings.DB_POOL_SIZE)),
        ),
    )


class Refused(Exception):
    """Ends the parsing of a request, which is answered with this status."""

    def __init__(self, status: HTTPStatus) -> None:
        self.status = status


class HeldFlow(FlowControl):
    """As Uvicorn's, which goes on reading as soon as a view waits for a body."""

    held = False

    def resume_reading(self) -> None:
        if not self.held:
            super().resume_reading()


class Connection(HttpToolsProtocol):
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
        super().__init__(config, server_state, app_state, _loop)
        self.timeout_keep_alive = bounds.keepalive_seconds  # type: ignore[assignment]
        self._bounds = bounds
        self._most_bytes = bounds.header_bytes
        self._waiting = b""
        self._parsed = 0
        # What the parser may keep, as it has not told it yet.
        self._untold = 0
        self._has_told = False
        self._head_bytes = 0
        self._in_head = False
        self._in_message = False
        self._upgraded = False
        self._status: HTTPStatus | None = None
        self._deadline: TimerHandle | None = None
        # On the event loop's clock.
        self.idle_since = 0.0

    # What the event loop calls

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.flow = HeldFlow(transport)
        self.idle_since = self.loop.time()
        self._wait_for_the_rest()
        room = self._bounds.room
        if len(self.connections) > room.most:
            room.make(self.connections, self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._forget_what_waits()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._waiting = self._waiting[self._parsed :] + data if self._waiting else data
        self._parsed = 0
        self._parse()

    # Parsing, piece by piece

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
        if self._in_message or self.is_idle:
            self._wait_for_the_rest()
        else:
            self._stop_waiting()

    def _next_piece(self) -> bytes:
        """The next bytes to parse, with the end of one head at most."""
        start, most = self._parsed, self._parsed + PIECE_BYTES
        end = self._waiting.find(HEAD_ENDS, start, most)
        self._parsed = most if end < 0 else end + len(HEAD_ENDS)
        return self._waiting[start : self._parsed]

    def _feed(self, piece: bytes) -> None:
        self._has_told = False
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            if self._should_upgrade():
                # From now on the transport has another protocol, with its own times.
                self._upgraded = True
                self._forget_what_waits()
                self._stop_waiting()
                self.handle_websocket_upgrade()
            else:
                self._unsupported_upgrade_warning()
        except httptools.HttpParserError as error:
            told = error.__context__
            self._refuse(told.status if isinstance(told, Refused) else BAD_REQUEST)
        else:
            self._untold = len(piece) + (0 if self._has_told else self._untold)
            if self._untold > self._most_bytes + PIECE_BYTES:
                no_url = self._in_head and not self.url
                self._refuse(URI_TOO_LONG if no_url else HEADERS_TOO_LARGE)

    def _forget_what_waits(self) -> None:
        self._waiting, self._parsed = b"", 0

    def _hold(self) -> None:
        """Read no more before the answer that is being written has been."""
        if len(self._waiting) - self._parsed > self._most_bytes:
            self._forget_what_waits()
            self.pipeline[0][0].keep_alive = False
        self.flow.held = True
        self.flow.pause_reading()

    # What the parser calls

    def on_message_begin(self) -> None:
        self._has_told = True
        self._head_bytes = 0
        self._in_head = self._in_message = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._has_told = True
        super().on_url(url)
        if len(self.url) > self._most_bytes:
            raise Refused(URI_TOO_LONG)
        self._head_bytes = len(self.url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._has_told = True
        # A colon, a space, and the end of a line.
        self._head_bytes += len(name) + len(value) + 4
        if self._head_bytes > self._most_bytes:
            raise Refused(HEADERS_TOO_LARGE)
        if self._in_head:
            super().on_header(name, value)
            if len(self.headers) > MOST_HEADERS:
                raise Refused(HEADERS_TOO_LARGE)
        # Else it stands behind the body, where nothing that matters may stand (RFC
        # 9110, 6.5.1); Uvicorn would put it among the headers.

    def on_headers_complete(self) -> None:
        self._in_head = False
        if not self.url.startswith(b"/"):
            self._take_authority()
        super().on_headers_complete()

    def _take_authority(self) -> None:
        """Put the authority of `http://authority/path` in the place of Host.

        Uvicorn takes the path alone (RFC 9112, 3.2.2).
        """
        target = httptools.parse_url(self.url)
        if not target.schema or not target.host:
            return
        if target.userinfo:
            raise Refused(BAD_REQUEST)
        host = b"[%s]" % target.host if b":" in target.host else target.host
        if target.port:
            host += b":%d" % target.port
        self.headers[:] = [each for each in self.headers if each[0] != b"host"]
        self.headers.append((b"host", host))
        self.url = (target.path or b"/") + (
            b"?" + target.query if target.query else b""
        )

    def on_body(self, body: bytes) -> None:
        self._has_told = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_message = False
        self._has_told = True
        super().on_message_complete()

    # Answers

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.idle_since = self.loop.time()
        if self.transport.is_closing() or self.pipeline:
            return
        if self._status:
            self._refuse(self._status)
        elif self.flow.held:
            self.flow.held = False
            self.flow.resume_reading()
            self._parse()
        elif self._in_message:
            # The rest of a body that nobody reads.
            self._unset_keepalive_if_required()
            self._wait_for_the_rest()

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer that nothing more is taken, after what was asked before."""
        self._status = status
        self._forget_what_waits()
        self._stop_waiting()
        self.flow.held = True
        self.flow.pause_reading()
        if self.cycle is not None and not self.cycle.response_complete:
            return
        text = f"{status} {status.phrase}\n".encode()
        self.transport.write(
            b"HTTP/1.1 %d %s\r\nconnection: close\r\ncache-control: no-store\r\n"
            b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n\r\n%s"
            % (status, status.phrase.encode(), len(text), text)
        )
        self.transport.close()

    # Time

    @property
    def is_idle(self) -> bool:
        """Whether closing it loses no answer."""
        return self.cycle is None or self.cycle.response_complete

    def _wait_for_the_rest(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(
                self._bounds.idle_seconds, self._give_up
            )

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        if not self.is_idle:
            # The view has a limit of its own for the body it waits for.
            self.cycle.keep_alive = False
        elif self._in_head:
            self._refuse(TIMED_OUT)
        else:
            self.transport.close()
