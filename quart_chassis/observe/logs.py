"""Logs: every line in one format, also those of the server and of libraries."""

import logging
import sys
from typing import TYPE_CHECKING

import structlog

from quart_chassis.settings import Settings

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

# The variables of a failing function may be passwords.
WITHOUT_LOCALS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)

log = structlog.stdlib.get_logger()


def configure(settings: Settings) -> None:
    """Write everything to stderr: for people in a terminal, as JSON elsewhere."""
    form = settings.LOG_FORMAT or ("console" if sys.stderr.isatty() else "json")
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_color_message,
    ]
    rendered = _as_json() if form == "json" else _for_people()
    structlog.configure(
        processors=[*shared, *rendered],
        wrapper_class=structlog.make_filtering_bound_logger(settings.LOG_LEVEL),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *rendered,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.LOG_LEVEL, force=True)
    logging.getLogger("uvicorn.error").addFilter(_is_no_handshake)
    # It announces each of its own parts.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)


def _as_json() -> "list[Processor]":
    return [
        structlog.processors.ExceptionRenderer(WITHOUT_LOCALS),
        structlog.processors.JSONRenderer(),
    ]


def _for_people() -> "list[Processor]":
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,
        )
    ]


def _is_no_handshake(record: logging.LogRecord) -> bool:
    """Uvicorn has a line of its own for each WebSocket, with its query string."""
    return '"WebSocket %s"' not in str(record.msg)


def _without_color_message(
    _logger: "WrappedLogger", _method: str, event: "EventDict"
) -> "EventDict":
    """Uvicorn sends each line twice, the second time with escape codes."""
    event.pop("color_message", None)
    return event
