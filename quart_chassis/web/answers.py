"""Which answers a route may give, for the API's description."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from quart_chassis.web.models import REFERENCE

ANSWERS_ATTRIBUTE = "_quart_chassis_answers"
# Which errors come with what a route declares.
ANY = {400: "The request is malformed"}
WITH_PARAMETERS = {422: "A value is not valid; the detail names its field"}
WITH_BODY = WITH_PARAMETERS | {
    400: "The body is not JSON, or the request is malformed",
    408: "The body did not arrive",
    413: "The body is too large",
    415: "The body is not application/json",
}
WITH_SECURITY = {401: "Nothing says that the caller may do this"}

View = TypeVar("View", bound=Callable[..., Any])


class Problem(msgspec.Struct, omit_defaults=True):
    """What went wrong (RFC 9457); `outcome` where the database did not serve."""

    type: str
    title: str
    status: int
    detail: str
    outcome: str | msgspec.UnsetType = msgspec.UNSET


def document_answers(
    answers: dict[int, str], content_type: str = ""
) -> Callable[[View], View]:
    """Say what a route may answer besides its model: a text for each status.

    Errors are problem details. What comes with parameters, a body or `admin_required`
    need not be said.
    """

    def mark(view: View) -> View:
        marked = {status: (text, content_type) for status, text in answers.items()}
        known = getattr(view, ANSWERS_ATTRIBUTE, {})
        setattr(view, ANSWERS_ATTRIBUTE, known | marked)
        return view

    return mark


def answers_of(view: Any, operation: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """What the route may answer besides its model."""
    own = getattr(view, ANSWERS_ATTRIBUTE, {})
    implied = dict(ANY)
    if operation["parameters"]:
        implied |= WITH_PARAMETERS
    if "requestBody" in operation:
        implied |= WITH_BODY
    if "security" in operation:
        implied |= WITH_SECURITY
    texts = {status: (text, "") for status, text in implied.items()} | own
    return {status: _described(status, *texts[status]) for status in sorted(texts)}


def _described(status: int, text: str, content_type: str) -> dict[str, Any]:
    if status >= 400:
        schema = {"$ref": REFERENCE.format(name="Problem")}
        content = {"application/problem+json": {"schema": schema}}
        return {"description": text, "content": content}
    if content_type:
        content = {content_type: {"schema": {"type": "string"}}}
        return {"description": text, "content": content}
    return {"description": text}
