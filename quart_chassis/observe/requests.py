"""The line in the log that each request has."""

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor

    from quart_chassis.streams import Lossy

# Of a longer writing to a pipe, another worker's may come in between (POSIX, PIPE_BUF).
MOST_BYTES = 4096

log = structlog.stdlib.get_logger()


class Line(msgspec.Struct, kw_only=True):
    """What is said of a request, in the order in which it is written.

    `path` is not decoded, so that no caller can write line breaks into a log.
    """

    method: str
    path: str
    status: int
    milliseconds: float
    event: str = "request"
    request_id: str
    level: str = "info"
    timestamp: str = ""


class Shortcut:
    """Writes lines as JSON, in a tenth of the time that structlog's processors take.

    It has a line only as long as structlog has these processors: a test, or an
    application, may give it others, which then see the line. The lines of one turn of
    the event loop are written together when it ends, as its answers are.
    """

    def __init__(self, processors: "list[Processor]", stream: "Lossy") -> None:
        self._processors = list(processors)
        self._stream = stream
        self._encode = msgspec.json.Encoder().encode
        self._lines: list[bytes] = []

    def is_open(self) -> bool:
        """Whether structlog would write the same."""
        current: list[Processor] = structlog.get_config()["processors"]
        return current == self._processors

    def write(self, line: Line) -> None:
        """Write the line, as of now."""
        line.timestamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._flush)
        # With blanks, as all other lines.
        self._lines.append(msgspec.json.format(self._encode(line), indent=0))

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        piece = b""
        for line in lines:
            if piece and len(piece) + len(line) >= MOST_BYTES:
                self._stream.write(piece.decode())
                piece = b""
            piece += line + b"\n"
        self._stream.write(piece.decode())
        self._stream.flush()


_shortcut: Shortcut | None = None


def allow(shortcut: Shortcut | None) -> None:
    """Have lines take this shortcut from now on, or none."""
    global _shortcut  # noqa: PLW0603 - as structlog's configuration, one per process
    _shortcut = shortcut


def write(line: Line) -> None:
    """Write a request's line."""
    if _shortcut and _shortcut.is_open():
        _shortcut.write(line)
        return
    # structlog has the other members from its own processors.
    log.info(
        line.event,
        method=line.method,
        path=line.path,
        status=line.status,
        milliseconds=line.milliseconds,
    )
