"""Log lines for people in a terminal: one short line for a request.

    12:30:01 [info] GET /orders 200 3.2 ms 4f6b2c1a

A request's line fits a terminal of 80 characters; JSON has the whole of it.
"""

import os
import sys
import traceback
from time import strftime
from typing import TYPE_CHECKING, TextIO

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

COLUMNS = 80
TIME = "%H:%M:%S"
REQUEST_ID_CHARACTERS = 8
METHOD_CHARACTERS = 9
# Of a path's characters, however long the rest of the line is.
LEAST_PATH = 10
COLORS = {2: "\033[32m", 3: "\033[36m", 4: "\033[33m", 5: "\033[31m"}
RESET = "\033[0m"
# Control characters: they could move the cursor, or begin a line of their own.
CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
CONTROLS |= {code: f"\\u{code:04x}" for code in (0x2028, 0x2029)}
IN_TRACEBACKS = {code: CONTROLS[code] for code in CONTROLS if chr(code) not in "\t\n"}


def processors() -> "list[Processor]":
    """What makes such a line of an event; in colours if stderr is a terminal."""
    colors = wants_colors(sys.stderr)

    def shorten(
        _logger: "WrappedLogger", _method: str, event: "EventDict"
    ) -> "EventDict":
        event = {name: _plain(name, value) for name, value in event.items()}
        event["timestamp"] = strftime(TIME)
        return _request_line(event, colors) if event["event"] == "request" else event

    renderer = structlog.dev.ConsoleRenderer(
        colors=colors,
        pad_event_to=0,
        pad_level=False,
        exception_formatter=_write_traceback,
    )
    return [shorten, renderer]


def wants_colors(stream: TextIO) -> bool:
    """Whether the stream is a terminal whose user did not refuse (no-color.org)."""
    refused = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not refused


def _request_line(event: "EventDict", colors: bool) -> "EventDict":
    """A request's event with everything in the place of its name."""
    method = _cut(str(event.pop("method")), METHOD_CHARACTERS)
    status = str(event.pop("status"))
    request_id = str(event.pop("request_id", ""))[:REQUEST_ID_CHARACTERS]
    end = f"{event.pop('milliseconds')} ms {request_id}".rstrip()
    taken = f"12:30:01 [{event['level']}] {method}  {status} {end}"
    path = _cut(str(event.pop("path")), max(LEAST_PATH, COLUMNS - len(taken)))
    if colors:
        status = f"{COLORS.get(int(status) // 100, '')}{status}{RESET}"
    event["event"] = f"{method} {path} {status} {end}"
    return event


def _cut(text: str, characters: int) -> str:
    """The text, without its middle if it is longer."""
    if len(text) <= characters:
        return text
    last = (characters - 3) // 2
    return f"{text[: characters - 3 - last]}...{text[len(text) - last :]}"


def _plain(name: str, value: object) -> object:
    """The value without control characters; a stack has lines of its own."""
    if type(value) is not str or name in {"stack", "exception"}:
        return value
    return value.translate(CONTROLS)


def _write_traceback(stream: TextIO, exc_info: "ExcInfo") -> None:
    """Python's traceback, indented, so that no line of it looks like a log line."""
    printed = "".join(traceback.format_exception(*exc_info)).translate(IN_TRACEBACKS)
    for line in printed.splitlines():
        stream.write(f"\n  {line}")
