"""The description of everything under /api/, at /openapi.json.

Quart-Schema writes down the routes. What it leaves out is added here: every model that
a route names, the shape of parameters, the errors that a route may answer, and who may
call it. Routes say so by decorators: Quart-Schema's `document_request`,
`document_response`, `document_querystring`, `document_headers` and `tag`, and
`document_answers` of the chassis.
"""

from collections.abc import Callable, Iterable
from inspect import getdoc, unwrap
from typing import Any, get_type_hints

import msgspec
from quart import Quart, Response, has_request_context, request
from quart.typing import ResponseTypes
from quart_schema import Info, OpenAPIProvider, QuartSchema
from quart_schema.validation import (
    QUART_SCHEMA_REQUEST_ATTRIBUTE,
    QUART_SCHEMA_RESPONSE_ATTRIBUTE,
)
from werkzeug.routing import Rule

from quart_chassis.project import Project
from quart_chassis.web import models
from quart_chassis.web.access import ADMIN, SESSION
from quart_chassis.web.answers import Problem, answers_of

# The names are those that `access` gives to routes.
SCHEMES = {
    ADMIN: {"type": "http", "scheme": "bearer"},
    SESSION: {"type": "apiKey", "in": "cookie", "name": "session"},
}
Amendment = Callable[[dict[str, Any]], None]


def install(app: Quart, project: Project) -> None:
    """Serve the description of `app`'s API."""
    app.extensions["api_amendments"] = []
    without_models = app.make_response
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
    with_models = app.make_response

    async def make_response(result: Any) -> ResponseTypes:
        """Have Quart-Schema look for models where there may be one."""
        has_none = isinstance(result, (str, Response))
        return await (without_models if has_none else with_models)(result)

    app.make_response = make_response  # type: ignore[method-assign]


def amend(app: Quart, amendment: Amendment) -> None:
    """Have `amendment` complete the description by what only settings tell."""
    app.extensions["api_amendments"].append(amendment)


class ApiDescription(OpenAPIProvider):
    """Quart-Schema's document, completed."""

    def schema(self) -> dict[str, Any]:
        self._schemas, self._components = models.described(self._models())
        described = super().schema()
        described["components"] = {
            "schemas": self._components,
            "securitySchemes": _schemes_of(described["paths"]),
        }
        if has_request_context() and request.root_path:
            # Below which the proxy in front, or the server, has this application.
            described["servers"] = [{"url": request.root_path}]
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
                operation["responses"] |= answers_of(view, operation)
        return paths, {}

    def build_querystring_parameters(
        self, model: type[Any]
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        return self._parameters(model, "query", str), {}

    def build_headers_parameters(
        self, model: type[Any]
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        return self._parameters(model, "header", _header), {}

    def build_request_body(
        self, model: type[Any], source: Any
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        # A body that may be left out is one whose every member may.
        required = any(field.required for field in msgspec.structs.fields(model))
        content = {"application/json": {"schema": self._schemas[model]}}
        return {"content": content, "required": required}, {}

    def build_response_object(
        self, model: type[Any], headers_model: type[Any] | None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        return {
            # A list of models has only the documentation of lists.
            "description": (isinstance(model, type) and getdoc(model)) or "The answer",
            "content": {"application/json": {"schema": self._schemas[model]}},
        }, {}

    def _parameters(
        self, model: type[Any], place: str, named: Callable[[str], str]
    ) -> list[dict[str, Any]]:
        """A parameter for each field of the model."""
        schemas, components = models.described([model])
        schema = components.pop(schemas[model]["$ref"].rpartition("/")[2])
        # What its fields refer to, such as an enumeration.
        self._components |= components
        return [
            {
                "name": named(name),
                "in": place,
                "required": name in schema["required"],
                "schema": each,
            }
            for name, each in schema["properties"].items()
        ]

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


def _schemes_of(paths: dict[str, Any]) -> dict[str, Any]:
    """How a caller says who they are, where a route asks for it."""
    asked = {
        name
        for operations in paths.values()
        for operation in operations.values()
        for requirement in operation.get("security", ())
        for name in requirement
    }
    return {name: scheme for name, scheme in SCHEMES.items() if name in asked}


def _header(name: str) -> str:
    return "-".join(part.title() for part in name.split("_"))


def _typed(parameter: dict[str, Any], hints: dict[str, Any]) -> dict[str, Any]:
    """A path's parameter with the type that the view gives it, bounds included."""
    if parameter["in"] == "path" and parameter["name"] in hints:
        schema = msgspec.json.schema(hints[parameter["name"]])
        return parameter | {"schema": schema}
    return parameter
