"""The API described: /openapi.json, and /docs for people.

Quart-Schema writes down routes and bodies. What it leaves out is added here: shared
schemas, the shape of names, which errors an operation may answer, and who may call it.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from quart import Blueprint, Quart, current_app, render_template
from quart_schema import Info, OpenAPIProvider, QuartSchema
from werkzeug.routing import Rule

from my_app.counter_app import names
from my_app.counter_app.schemas import CounterBody, CounterList, CounterValue, Problem
from my_app.settings import Settings

VERSION = "1"
PROBLEM = {
    "content": {
        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
    }
}
ERRORS = {
    400: "The body is not JSON, or the request is malformed",
    401: "The bearer token is wrong or missing",
    404: "There is no such counter, or it may not be counted",
    408: "The body did not arrive",
    409: "The counter is full; nothing was counted",
    413: "The body is larger than 16 KiB",
    415: "The body is not application/json",
    422: "A value is not valid; the detail names its field",
    503: "The database does not answer, or too many wait",
}
EVENTS = {
    "description": "The value at once, and after each change",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}
READING = {400, 404, 422, 503}
WITH_BODY = READING | {408, 413, 415}

docs = Blueprint("docs", __name__)


def install(app: Quart) -> None:
    """Serve the description of `app`'s API."""
    QuartSchema(
        app,
        info=Info(title="Counters", version=VERSION),
        conversion_preference="msgspec",
        openapi_provider_class=ApiDescription,
        # They load from elsewhere; ours is below.
        swagger_ui_path=None,
        redoc_ui_path=None,
        scalar_ui_path=None,
    )
    app.register_blueprint(docs)


@docs.get("/docs")
async def show() -> str:
    """The API for people to read; nothing on the page comes from elsewhere."""
    provider = current_app.extensions["QUART_SCHEMA"].openapi_provider
    return await render_template("docs.html", described=provider.schema())


class ApiDescription(OpenAPIProvider):
    """Quart-Schema's document of everything under /api/, completed."""

    def generate_rules(self) -> Iterable[Rule]:
        return (
            rule for rule in super().generate_rules() if rule.rule.startswith("/api/")
        )

    def schema(self) -> dict[str, Any]:
        described = super().schema()
        models = (Problem, CounterBody, CounterValue, CounterList)
        _, schemas = msgspec.json.schema_components(
            models, ref_template="#/components/schemas/{name}"
        )
        described["components"] = {
            "schemas": schemas,
            "securitySchemes": {"admin": {"type": "http", "scheme": "bearer"}},
        }
        for operations in described["paths"].values():
            for method, operation in operations.items():
                _complete(method, operation)
        increment = described["paths"]["/api/counters/{name}/increment"]["post"]
        body = increment["requestBody"]["content"]["application/json"]["schema"]
        settings: Settings = self._app.extensions["settings"]
        body["properties"]["amount"]["maximum"] = settings.MAX_AMOUNT
        watching = described["paths"]["/api/counters/{name}/events"]["get"]
        watching["responses"][200] = EVENTS
        return described


def _complete(method: str, operation: dict[str, Any]) -> None:
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            parameter["schema"]["pattern"] = names.PATTERN
        if parameter["in"] == "header":
            visible = {"type": "string", "pattern": "^[!-~]{1,255}$"}
            parameter |= {"name": "Idempotency-Key", "schema": visible}
            parameter["required"] = False
    errors = set(READING)
    if "requestBody" in operation:
        errors |= WITH_BODY
        operation["requestBody"]["required"] = method == "put"
    if method == "post":
        errors.add(409)
    if method in {"put", "delete"}:
        errors.add(401)
        operation["security"] = [{"admin": []}]
    if method == "delete":
        operation["responses"][204] = {"description": "It is gone"}
    for status in sorted(errors):
        described = {"description": ERRORS[status], **PROBLEM}
        operation["responses"][status] = described
