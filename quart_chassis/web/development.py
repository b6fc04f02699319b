"""What a developer is shown in the browser instead of an ordinary error page.

A traceback names the code and may hold a secret in a message, so only callers on this
machine see it, and only in development. The page needs nothing of the application: its
templates may be what is broken.
"""

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path

import structlog
from jinja2 import Environment, FileSystemLoader
from quart import Response
from quart.json import dumps

from quart_chassis import settings
from quart_chassis.door import CONTENT_SECURITY_POLICY
from quart_chassis.project import Project
from quart_chassis.settings import Settings
from quart_chassis.web import tracebacks
from quart_chassis.web.asked import asked, is_from_this_machine
from quart_chassis.web.reload import reload_script
from quart_chassis.web.schema import Remedy

TEMPLATES = Path(__file__).with_name("templates")


def sees_errors() -> bool:
    """Whether the caller is shown tracebacks."""
    chosen = settings.current(Settings)
    return chosen.ENV_FOR_DYNACONF == "development" and is_from_this_machine()


def traceback_response(
    error: BaseException, project: Project, remedy: Remedy | None = None
) -> Response:
    """500 with the traceback: as a problem under /api/, as a page elsewhere."""
    exceptions = tracebacks.raised(error, project.root, project.package)
    raised = exceptions[0]
    text = tracebacks.text_of(exceptions)
    if asked().path.startswith("/api/"):
        return _problem(f"{raised.kind}: {raised.message}", text, remedy)
    return page(
        500,
        raised.kind,
        detail=raised.message,
        remedy=remedy,
        exceptions=exceptions,
        text=text,
    )


def page(status: int, title: str, **shown: object) -> Response:
    """The page; `shown` are `detail`, `remedy`, `exceptions` and `text`, if any."""
    given = structlog.contextvars.get_contextvars()
    style = _templates().get_template("development.css").render()
    rendered = (
        _templates()
        .get_template("development.html")
        .render(
            title=title,
            method=asked().method,
            path=asked().path,
            request_id=given.get("request_id", ""),
            reload_script=reload_script,
            **shown,
        )
    )
    # A message may hold what UTF-8 cannot: half of a surrogate pair.
    response = Response(rendered.encode("utf-8", "backslashreplace"), status)
    # The page brings its style itself; the digest lets the browser use it.
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY.replace(
        "style-src 'self'", f"style-src 'sha256-{digest}'"
    )
    return response


def _problem(detail: str, text: str, remedy: Remedy | None) -> Response:
    given = structlog.contextvars.get_contextvars()
    problem: dict[str, object] = {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": detail,
        "request_id": given.get("request_id", ""),
    }
    if remedy:
        problem["remedy"] = str(remedy)
    body = dumps(problem | {"traceback": text.splitlines()})
    return Response(body, 500, content_type="application/problem+json")


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
