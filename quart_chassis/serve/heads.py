"""How long the head of a request may be, before anything of it is kept."""

import re
from http import HTTPStatus
from typing import Any

import httptools
from uvicorn import Config
from uvicorn.server import ServerState

from quart_chassis.serve.departures import HeardDepartures

# As Apache has it (LimitRequestFields).
MOST_HEADERS = 100
# What is parsed at once; a head ends a piece. A part of a line that has not ended yet
# may pass its bound by so much.
PIECE_BYTES = 4096
WHOLE_URL = re.compile(rb"(?i:https?)://(?P<authority>[^/?#]*)(?P<path>[^#]*)")
BAD_REQUEST = HTTPStatus.BAD_REQUEST
TIMED_OUT = HTTPStatus.REQUEST_TIMEOUT
URI_TOO_LONG = HTTPStatus.REQUEST_URI_TOO_LONG
HEADERS_TOO_LARGE = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


class Refused(Exception):
    """Ends the parsing of a request, which is answered with this status."""

    def __init__(self, status: HTTPStatus) -> None:
        self.status = status


class BoundedHeads(HeardDepartures):
    """Uvicorn's connection, which refuses heads of more than `most_bytes`."""

    def __init__(
        self,
        most_bytes: int,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: Any = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.most_bytes = most_bytes
        self.in_head = False
        self.in_message = False
        self._head_bytes = 0
        self._lines = 0
        self._is_offered_another = False
        # What the parser may keep, as it has not told it yet.
        self._untold = 0
        self._has_told = False

    def parse(self, piece: bytes) -> None:
        """Parse PIECE_BYTES or fewer; Refused if they are no request, or too long."""
        self._has_told = False
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            if not self._is_offered_another:
                raise
            self._decline_the_other(piece[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, Refused):
                raise error.__context__ from None
            raise Refused(BAD_REQUEST) from None
        self._untold = len(piece) + (0 if self._has_told else self._untold)
        if self._untold > self.most_bytes + PIECE_BYTES:
            no_url = self.in_head and not self.url
            raise Refused(URI_TOO_LONG if no_url else HEADERS_TOO_LARGE)

    def _decline_the_other(self, rest: bytes) -> None:
        """Go on in HTTP where a caller offers another protocol, h2c for example.

        The parser would take the body for a request in it (RFC 9110, 7.8: a server may
        ignore Upgrade).
        """
        told = [b"%s: %s\r\n" % each for each in self.headers if each[0] != b"upgrade"]
        first = b"%s %s HTTP/%s\r\n" % (
            self.parser.get_method(),
            self.url,
            self.parser.get_http_version().encode(),
        )
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._is_offered_another = False
        self.parse(b"".join([first, *told, b"\r\n"]) + rest)

    # What the parser calls

    def on_message_begin(self) -> None:
        self._has_told = True
        self._head_bytes = self._lines = 0
        self.in_head = self.in_message = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        self._has_told = True
        super().on_url(url)
        if len(self.url) > self.most_bytes:
            raise Refused(URI_TOO_LONG)
        self._head_bytes = len(self.url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._has_told = True
        # A colon, a space, and the end of a line.
        self._head_bytes += len(name) + len(value) + 4
        self._lines += 1
        if self._head_bytes > self.most_bytes or self._lines > MOST_HEADERS:
            raise Refused(HEADERS_TOO_LARGE)
        if self.in_head:
            super().on_header(name, value)
        # Else it stands behind the body, where nothing that matters may stand (RFC
        # 9110, 6.5.1); Uvicorn would put it among the headers.

    def on_headers_complete(self) -> None:
        if self.parser.get_method() == b"CONNECT":
            raise Refused(BAD_REQUEST)
        if self.parser.should_upgrade() and not self._should_upgrade():
            self._is_offered_another = True
            return
        if not self.url.startswith(b"/"):
            self._take_authority()
        super().on_headers_complete()
        self.in_head = False

    def _take_authority(self) -> None:
        """Put the authority of `http://authority/path` in the place of Host.

        Uvicorn takes the path alone. One Host must be there all the same (RFC 9112, 3.2
        and 3.2.2).
        """
        target = WHOLE_URL.fullmatch(self.url)
        if not target:
            return
        others = [each for each in self.headers if each[0] != b"host"]
        if b"@" in target["authority"] or len(self.headers) - len(others) != 1:
            raise Refused(BAD_REQUEST)
        self.headers[:] = [*others, (b"host", target["authority"])]
        path = target["path"]
        self.url = path if path.startswith(b"/") else b"/" + path

    def on_body(self, body: bytes) -> None:
        self._has_told = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._is_offered_another:
            return
        self.in_message = False
        self._has_told = True
        super().on_message_complete()


def answer_of(status: HTTPStatus) -> bytes:
    """A whole response to what was refused; the connection ends with it."""
    text = f"{status} {status.phrase}\n".encode()
    return (
        b"HTTP/1.1 %d %s\r\nconnection: close\r\ncache-control: no-store\r\n"
        b"content-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\n\r\n%s"
        % (status, status.phrase.encode(), len(text), text)
    )
