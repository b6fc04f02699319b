"""Counters for programs: JSON under /api/."""

import re
import secrets

import msgspec
from quart import Blueprint, Response, current_app, request
from quart_schema import (
    document_headers,
    document_querystring,
    document_request,
    document_response,
    tag,
)
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import NotFound, Unauthorized, UnprocessableEntity

from my_app import db
from my_app.counter_app import batching, names, queries
from my_app.counter_app.bodies import read_body
from my_app.counter_app.schemas import (
    Amount,
    CounterBody,
    CounterList,
    CounterValue,
    IncrementHeaders,
    Page,
    Value,
)
from my_app.settings import Settings

VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")

counter_api = Blueprint("counter_api", __name__, url_prefix="/api/counters")


@counter_api.before_app_request
async def refuse_slashes_in_names() -> None:
    """A name with an encoded slash reaches no route, but is a wrong name too."""
    path = request.scope["raw_path"].lower()
    if b"%2f" in path and path.startswith(b"/api/counters/"):
        names.check("/")


@counter_api.post("/<name>/increment")
@tag(["counters"])
@document_request(Amount)
@document_headers(IncrementHeaders)
@document_response(CounterValue)
async def increment(name: str) -> Response:
    """Add to a counter, making it if it is new."""
    names.check(name)
    if not names.may_be_counted(name):
        raise NotFound("There is no such counter to be counted.")
    key = request.headers.get("Idempotency-Key")
    if key is not None and not VISIBLE_ASCII.fullmatch(key):
        raise UnprocessableEntity(
            "Idempotency-Key must be 1 to 255 visible ASCII characters."
        )
    body = await read_body(request, Amount) or Amount()
    most = _settings().MAX_AMOUNT
    if body.amount > most:
        raise UnprocessableEntity(f"Expected int <= {most} - at $.amount")
    counted = await batching.count(name, body.amount, key)
    response = _json(CounterValue(name, counted.value))
    if counted.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


@counter_api.get("/<name>")
@tag(["counters"])
@document_response(CounterBody)
async def read(name: str) -> Response:
    """Show a counter; this counts nothing."""
    names.check(name)
    async with db.begin() as connection:
        counter = await queries.read(connection, name)
    if counter is None:
        raise NotFound("There is no such counter.")
    return _json(CounterBody(*counter))


@counter_api.get("")
@tag(["counters"])
@document_querystring(Page)
@document_response(CounterList)
async def list_counters() -> Response:
    """List counters in the order of their names, a page at a time."""
    try:
        page = msgspec.convert(request.args.to_dict(), Page, strict=False)
    except msgspec.ValidationError as error:
        raise UnprocessableEntity(str(error).replace("`", "")) from None
    async with db.begin() as connection:
        found = await queries.read_page(connection, page.limit + 1, page.after or "")
    shown = [CounterBody(*counter) for counter in found[: page.limit]]
    following = shown[-1].name if len(found) > page.limit else None
    return _json(CounterList(shown, following))


@counter_api.put("/<name>")
@tag(["counters"])
@document_request(Value)
@document_response(CounterBody)
async def put(name: str) -> Response:
    """Set a counter, making it if it is new; for admins."""
    _check_admin()
    names.check(name)
    body = await read_body(request, Value)
    if body is None:
        raise UnprocessableEntity("Object missing required field value")
    async with db.begin() as connection:
        counter = await queries.put(connection, name, body.value)
    return _json(CounterBody(*counter))


@counter_api.delete("/<name>")
@tag(["counters"])
async def remove(name: str) -> Response:
    """Delete a counter; for admins."""
    _check_admin()
    names.check(name)
    async with db.begin() as connection:
        if not await queries.remove(connection, name):
            raise NotFound("There is no such counter.")
    return Response(status=204)


def _json(answer: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(answer), content_type="application/json")


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def _check_admin() -> None:
    """404 where no ADMIN_TOKEN is set, 401 unless the request bears it.

    The comparison takes as long wherever the difference lies.
    """
    token = _settings().ADMIN_TOKEN
    if not token:
        raise NotFound("There is no such page.")
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    matches = secrets.compare_digest(given.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not matches:
        raise Unauthorized(
            "This needs the bearer token of ADMIN_TOKEN.",
            www_authenticate=WWWAuthenticate("bearer"),
        )
