"""Error responses: problem details (RFC 9457) under /api/, a page elsewhere.

The page is the application's `error.html` if it has one, else the chassis' own.
"""

from http import HTTPStatus

import structlog
from quart import Quart, Response, render_template
from quart.json import dumps
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing.exceptions import WebsocketMismatch

from quart_chassis import settings
from quart_chassis.database import DatabaseUnavailable, remedy, words_of
from quart_chassis.settings import Settings
from quart_chassis.web import development, schema
from quart_chassis.web.asked import asked

RETRY_AFTER_SECONDS = 1

log = structlog.stdlib.get_logger()


def install(app: Quart) -> None:
    """Handle every error of `app`.

    Quart logs the traceback of an unexpected exception and passes it on as a 500.
    """
    app.register_error_handler(HTTPException, answer_error)
    app.register_error_handler(DatabaseUnavailable, answer_unavailable)


async def answer_error(error: HTTPException) -> Response:
    """The error as a problem or as a page, with its own headers."""
    if isinstance(error, WebsocketMismatch):
        # For WebSockets there is no such page, or for requests.
        error = NotFound()
    unexpected = getattr(error, "original_exception", None)
    if unexpected and development.sees_errors():
        return await _explained(unexpected)
    response = await _answer(error.code or 500, error.description or "")
    for name, value in error.get_headers():
        if name != "Content-Type":
            response.headers[name] = value
    return response


async def answer_unavailable(
    error: DatabaseUnavailable, not_committed: str = "not-committed"
) -> Response:
    """503: the database is unavailable; `outcome` says whether it may have committed.

    A feature that promises more about its transactions passes another word than
    "not-committed". The log gives the reason.
    """
    log.error(
        "database unavailable",
        reason=words_of(error),
        remedy=remedy(error, settings.current(Settings)),
    )
    outcome = "unknown" if error.committed is None else not_committed
    response = await _answer(
        503, "The database does not answer. Please try again.", outcome=outcome
    )
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


async def _explained(error: Exception) -> Response:
    """The traceback of an unexpected exception, for a developer."""
    chosen = settings.current(Settings)
    found = await schema.remedy_for(error, chosen)
    if found:
        log.warning(found.title, remedy=str(found))
    return development.traceback_response(error, chosen.project, found)


async def _answer(status: int, detail: str, **members: str) -> Response:
    title = HTTPStatus(status).phrase
    if asked().path.startswith("/api/"):
        problem = {"type": "about:blank", "title": title, "status": status}
        body = dumps(problem | {"detail": detail} | members)
        return Response(body, status, content_type="application/problem+json")
    page = await render_template(
        "error.html", status=status, title=title, detail=detail
    )
    return Response(page, status)
