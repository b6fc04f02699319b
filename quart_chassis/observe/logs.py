"""Logs: every line in one format, also those of the server and of libraries."""

import logging
import sys
from typing import TYPE_CHECKING, Any

import structlog

from quart_chassis.observe import console, requests
from quart_chassis.settings import Settings
from quart_chassis.streams import Lossy

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

# The variables of a failing function may be passwords.
WITHOUT_LOCALS = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)

log = structlog.stdlib.get_logger()


def configure(settings: Settings) -> None:
    """Write everything to stderr: for people in a terminal, as JSON elsewhere."""
    form = settings.LOG_FORMAT or ("console" if sys.stderr.isatty() else "json")
    # Structlog takes anything that is written to and flushed.
    stream: Any = Lossy(sys.stderr)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_color_message,
    ]
    rendered = _as_json() if form == "json" else console.processors()
    processors = [*shared, *rendered]
    is_short = form == "json" and settings.LOG_LEVEL in {"DEBUG", "INFO"}
    requests.allow(requests.Shortcut(processors, stream) if is_short else None)
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(settings.LOG_LEVEL),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *rendered,
            ],
        )
    )
    _replace_plain_handlers(handler)
    logging.getLogger().setLevel(settings.LOG_LEVEL)
    logging.getLogger("uvicorn.error").addFilter(_is_no_handshake)
    logging.getLogger("alembic.runtime.migration").addFilter(_tells_a_migration)
    for name in _talkative(settings, form):
        logging.getLogger(name).setLevel(logging.WARNING)


def _replace_plain_handlers(handler: logging.Handler) -> None:
    """Have the root logger write with `handler`, and no line twice.

    A handler of another kind is somebody's who listens: pytest's caplog, a collector.
    """
    root = logging.getLogger()
    for each in list(root.handlers):
        if type(each) is logging.StreamHandler:
            root.removeHandler(each)
    root.addHandler(handler)


def _talkative(settings: Settings, form: str) -> list[str]:
    """Loggers of which only warnings are wanted."""
    # The first announces each of its own parts, the other every change of a file.
    found = ["alembic.runtime.plugins", "watchfiles"]
    if settings.LOG_LEVEL != "DEBUG" and (form == "console" or settings.reloading):
        # How a server starts and stops; a developer sees that by its address.
        found.append("uvicorn.error")
    return found


def _as_json() -> "list[Processor]":
    return [
        structlog.processors.ExceptionRenderer(WITHOUT_LOCALS),
        structlog.processors.JSONRenderer(),
    ]


def _is_no_handshake(record: logging.LogRecord) -> bool:
    """Uvicorn has a line of its own for each WebSocket, with its query string."""
    return '"WebSocket %s"' not in str(record.msg)


def _tells_a_migration(record: logging.LogRecord) -> bool:
    """Alembic also says which database it knows how to migrate, each time."""
    return not str(record.msg).startswith(("Context impl", "Will assume"))


def _without_color_message(
    _logger: "WrappedLogger", _method: str, event: "EventDict"
) -> "EventDict":
    """Uvicorn sends each line twice, the second time with escape codes."""
    event.pop("color_message", None)
    return event
