"""What a caller sees when something went wrong: one answer, in two shapes."""

from http import HTTPStatus

import structlog
from quart import Quart, Response, current_app, render_template, request
from quart.json import dumps
from werkzeug.exceptions import HTTPException

from my_app.db import DatabaseUnavailable, words_of
from my_app.settings import Settings

RETRY_AFTER_SECONDS = 1

log = structlog.stdlib.get_logger()


def install(app: Quart) -> None:
    """Answer errors as problem details (RFC 9457) under /api/, elsewhere as a page.

    Quart hands what nobody expected on as a 500, after it has logged the traceback.
    """
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DatabaseUnavailable, _database_unavailable)


async def _http_error(error: HTTPException) -> Response:
    response = await _answer(error.code or 500, error.description or "")
    for name, value in error.get_headers():
        if name != "Content-Type":
            response.headers[name] = value
    return response


async def _database_unavailable(error: DatabaseUnavailable) -> Response:
    reason = words_of(error.__cause__ or error)
    log.error("database unavailable", reason=reason, remedy=_remedy())
    outcome = "unknown" if error.committed is None else "not-counted"
    response = await _answer(
        503, "The database does not answer. Please try again.", outcome=outcome
    )
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if not _is_api():
        response.headers["X-Counted"] = "unknown" if error.committed is None else "0"
    return response


def _remedy() -> str:
    settings: Settings = current_app.extensions["settings"]
    if settings.embedded:
        return "python3 manage.py run starts the embedded database"
    return "see to the database; nothing here needs a restart"


def _is_api() -> bool:
    return request.path.startswith("/api/")


async def _answer(status: int, detail: str, **members: str) -> Response:
    title = HTTPStatus(status).phrase
    if not _is_api():
        page = await render_template(
            "error.html", status=status, title=title, detail=detail
        )
        response = Response(page, status)
    else:
        problem = {"type": "about:blank", "title": title, "status": status}
        body = dumps(problem | {"detail": detail} | members)
        response = Response(body, status, content_type="application/problem+json")
    return response
