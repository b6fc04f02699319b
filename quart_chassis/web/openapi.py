"""The description of everything under /api/, at /openapi.json.

Quart-Schema writes down the routes. What it leaves out is added here: every model that
a route names, the shape of parameters, the errors that a route may answer, and who may
call it. Routes say so by decorators: Quart-Schema's `document_request`,
`document_response`, `document_querystring`, `document_headers` and `tag`, and
`document_answers` of this module.
"""

from collections.abc import Callable, Iterable
from inspect import getdoc, unwrap
from typing import Any, TypeVar, get_type_hints

import msgspec
from quart import Quart
from quart_schema import Info, OpenAPIProvider, QuartSchema
from quart_schema.validation import (
    QUART_SCHEMA_REQUEST_ATTRIBUTE,
    QUART_SCHEMA_RESPONSE_ATTRIBUTE,
)
from werkzeug.routing import Rule

from quart_chassis.project import Project
from quart_chassis.web import models
from quart_chassis.web.access import ADMIN
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
WITH_SECURITY = {401: "The bearer token is wrong or missing"}

View = TypeVar("View", bound=Callable[..., Any])
Amendment = Callable[[dict[str, Any]], None]


class Problem(msgspec.Struct, omit_defaults=True):
    """What went wrong (RFC 9457); `outcome` where the database did not serve."""

    type: str
    title: str
    status: int
    detail: str
    outcome: str | msgspec.UnsetType = msgspec.UNSET


def install(app: Quart, project: Project) -> None:
    """Serve the description of `app`'s API."""
    app.extensions["api_amendments"] = []
    QuartSchema(
        app,
        info=Info(title=project.title, version=project.version),
        conversion_preference="msgspec",
        openapi_provider_class=ApiDescription,
        # They load from elsewhere; ours is in docs.py.
        swagger_ui_path=None,
        redoc_ui_path=None,
        scalar_ui_path=None,
    )


def amend(app: Quart, amendment: Amendment) -> None:
    """Have `amendment` complete the description by what only settings tell."""
    app.extensions["api_amendments"].append(amendment)


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


class ApiDescription(OpenAPIProvider):
    """Quart-Schema's document, completed."""

    def schema(self) -> dict[str, Any]:
        described = super().schema()
        described["components"] = {
            "schemas": models.components(self._models()),
            "securitySchemes": {ADMIN: {"type": "http", "scheme": "bearer"}},
        }
        for amendment in self._app.extensions["api_amendments"]:
            amendment(described)
        return described

    def generate_rules(self) -> Iterable[Rule]:
        return (
            rule for rule in super().generate_rules() if rule.rule.startswith("/api/")
        )

    def build_paths(self, rule: Rule) -> tuple[dict[str, Any], dict[str, Any]]:
        paths, _ = super().build_paths(rule)
        view = self._app.view_functions[rule.endpoint]
        hints = get_type_hints(unwrap(view), include_extras=True)
        for operations in paths.values():
            for method, operation in operations.items():
                # An endpoint's name is used once; a function's may be used by many.
                name = rule.endpoint.replace(".", "_")
                operation["operationId"] = f"{method}_{name}"
                operation["parameters"] = [
                    _typed(parameter, hints) for parameter in operation["parameters"]
                ]
                operation["responses"] |= _answers(view, operation)
        return paths, {}

    def build_querystring_parameters(
        self, model: type[Any]
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        return _parameters(model, "query", str), {}

    def build_headers_parameters(
        self, model: type[Any]
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        return _parameters(model, "header", _header), {}

    def build_request_body(
        self, model: type[Any], source: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        schema = {"$ref": REFERENCE.format(name=model.__name__)}
        # A body that may be left out is one whose every member may.
        required = any(field.required for field in msgspec.structs.fields(model))
        content = {"application/json": {"schema": schema}}
        return {"content": content, "required": required}, {}

    def build_response_object(
        self, model: type[Any], headers_model: type[Any] | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        schema = {"$ref": REFERENCE.format(name=model.__name__)}
        return {
            "description": getdoc(model) or model.__name__,
            "content": {"application/json": {"schema": schema}},
        }, {}

    def _models(self) -> list[type[Any]]:
        """Every model that a route names, and the problem."""
        found: dict[type[Any], None] = {Problem: None}
        for rule in self.generate_rules():
            view = self._app.view_functions[rule.endpoint]
            asked = getattr(view, QUART_SCHEMA_REQUEST_ATTRIBUTE, None)
            if asked is not None:
                found[asked[0]] = None
            answered = getattr(view, QUART_SCHEMA_RESPONSE_ATTRIBUTE, {})
            found |= dict.fromkeys(model for model, _ in answered.values())
        return list(found)


def _parameters(
    model: type[Any], place: str, named: Callable[[str], str]
) -> list[dict[str, Any]]:
    """A parameter for each field of the model."""
    _, found = msgspec.json.schema_components([model])
    schema = found[model.__name__]
    return [
        {
            "name": named(name),
            "in": place,
            "required": name in schema["required"],
            "schema": each,
        }
        for name, each in schema["properties"].items()
    ]


def _header(name: str) -> str:
    return "-".join(part.title() for part in name.split("_"))


def _typed(parameter: dict[str, Any], hints: dict[str, Any]) -> dict[str, Any]:
    """A path's parameter with the type that the view gives it, bounds included."""
    if parameter["in"] == "path" and parameter["name"] in hints:
        schema = msgspec.json.schema(hints[parameter["name"]])
        return parameter | {"schema": schema}
    return parameter


def _answers(view: Any, operation: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """What the route may answer besides its model."""
    texts: dict[int, tuple[str, str]] = {}
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
        schema = {"$ref": REFERENCE.format(name=Problem.__name__)}
        content = {"application/problem+json": {"schema": schema}}
        return {"description": text, "content": content}
    if content_type:
        content = {content_type: {"schema": {"type": "string"}}}
        return {"description": text, "content": content}
    return {"description": text}
