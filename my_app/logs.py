"""Logs: one line per request, and everybody else's lines in the same format."""

import logging
import re
import sys
from time import perf_counter
from typing import TYPE_CHECKING
from uuid import uuid4

import structlog

from my_app.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypercorn.typing import (
        ASGIFramework,
        ASGIReceiveCallable,
        ASGISendCallable,
        ASGISendEvent,
        HTTPScope,
        Scope,
    )
    from structlog.typing import EventDict, Processor, WrappedLogger

SANE_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:=/+@-]{1,128}")
# nginx's number for a caller who left before there was an answer.
CALLER_LEFT = 499

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
    if form == "json":
        rendered: list[Processor] = [
            structlog.processors.ExceptionRenderer(WITHOUT_LOCALS),
            structlog.processors.JSONRenderer(),
        ]
    else:
        rendered = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
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
    # It announces each of its own parts.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)


def _without_color_message(
    _logger: "WrappedLogger", _method: str, event: "EventDict"
) -> "EventDict":
    """Uvicorn sends each line twice, the second time with escape codes."""
    event.pop("color_message", None)
    return event


async def log_request(
    application: "ASGIFramework",
    scope: "Scope",
    receive: "ASGIReceiveCallable",
    send: "ASGISendCallable",
    answered: "Callable[[HTTPScope, int, float | None], None]",
) -> None:
    """Have `application` answer; the request gets an id and, at its end, a line.

    The id is the caller's `X-Request-ID` if it is short and plain, else a new one; it
    stands in every line logged meanwhile and in the response. At the end `answered` is
    told the status, and the seconds until the answer began, if one did.
    """
    if scope["type"] != "http":
        await application(scope, receive, send)
        return
    request_id = dict(scope["headers"]).get(b"x-request-id", b"")
    if not SANE_REQUEST_ID.fullmatch(request_id):
        request_id = uuid4().hex.encode()
    started = perf_counter()
    status = CALLER_LEFT
    seconds = None

    async def send_with_id(event: "ASGISendEvent") -> None:
        nonlocal status, seconds
        if event["type"] == "http.response.start":
            status = event["status"]
            seconds = perf_counter() - started
            event["headers"] = [*event["headers"], (b"x-request-id", request_id)]
        await send(event)

    with structlog.contextvars.bound_contextvars(request_id=request_id.decode()):
        try:
            await application(scope, receive, send_with_id)
        finally:
            answered(scope, status, seconds)
            log.info(
                "request",
                method=scope["method"],
                # Not decoded, so that no caller can write line ends into a log.
                path=scope["raw_path"].decode("latin-1"),
                status=status,
                milliseconds=round((perf_counter() - started) * 1000, 1),
            )
