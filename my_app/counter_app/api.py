"""The JSON API of the counters."""

import re
from typing import Any

from quart import Blueprint, Response, request
from quart_schema import (
    document_headers,
    document_querystring,
    document_request,
    document_response,
    tag,
)
from werkzeug.exceptions import NotFound, UnprocessableEntity

from my_app.counter_app import counting, names, queries
from my_app.counter_app.names import Name
from my_app.counter_app.schemas import (
    Amount,
    CounterBody,
    CounterList,
    CounterValue,
    IncrementHeaders,
    Page,
    Value,
)
from my_app.counter_app.settings import CounterSettings
from quart_chassis import settings, web
from quart_chassis.application import Application
from quart_chassis.database import DatabaseUnavailable, begin
from quart_chassis.web import admin_required, document_answers, read_body, read_query

VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")

NOT_FOUND = {404: "There is no such counter"}
NO_ADMIN = {404: "ADMIN_TOKEN is not set"}
UNAVAILABLE = {503: "The database does not answer, or too many requests wait"}

counter_api = Blueprint("counter_api", __name__, url_prefix="/api/counters")


@counter_api.errorhandler(DatabaseUnavailable)
async def tell_whether_it_counted(error: DatabaseUnavailable) -> Response:
    """503 as problem details; `outcome` is `not-counted` or `unknown`."""
    return await web.answer_unavailable(error, not_committed="not-counted")


@counter_api.before_app_request
async def refuse_slashes_in_names() -> None:
    """Answer 422 to a name with an encoded slash, which no route matches."""
    encoded = b"%2f" in request.scope["raw_path"].lower()
    if encoded and request.path.startswith("/api/counters/"):
        names.check("/")


@counter_api.post("/<name>/increment")
@tag(["counters"])
@document_request(Amount)
@document_headers(IncrementHeaders)
@document_response(CounterValue)
@document_answers(
    {
        404: "COUNTER_NAMES does not allow this counter",
        409: "The counter is full; nothing was counted",
        429: "Strangers may make no more counters or keys for now",
    }
    | UNAVAILABLE
)
async def increment(name: Name) -> Response:
    """Add to a counter, creating it if it is new."""
    names.check(name)
    if not names.may_be_counted(name):
        raise NotFound("This counter may not be incremented.")
    keys = set(request.headers.getlist("Idempotency-Key"))
    if len(keys) > 1:
        raise UnprocessableEntity("There must be one Idempotency-Key.")
    key = keys.pop() if keys else None
    if key is not None and not VISIBLE_ASCII.fullmatch(key):
        raise UnprocessableEntity(
            "Idempotency-Key must be 1 to 255 visible ASCII characters."
        )
    body = await read_body(Amount)
    most = settings.current(CounterSettings).MAX_AMOUNT
    if body.amount > most:
        raise UnprocessableEntity(f"Expected int <= {most} - at $.amount")
    counted = await counting.count(name, body.amount, key)
    response = web.answer(CounterValue(name, counted.value))
    if counted.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return response


@counter_api.get("/<name>")
@tag(["counters"])
@document_response(CounterBody)
@document_answers(NOT_FOUND | UNAVAILABLE)
async def read(name: Name) -> Response:
    """Show a counter without counting a visit."""
    names.check(name)
    async with begin(read_only=True) as connection:
        counter = await queries.read(connection, name)
    if counter is None:
        raise NotFound("There is no such counter.")
    return web.answer(CounterBody(*counter))


@counter_api.get("")
@tag(["counters"])
@document_querystring(Page)
@document_response(CounterList)
@document_answers(UNAVAILABLE)
async def list_counters() -> Response:
    """List counters in name order, one page at a time."""
    page = read_query(Page)
    async with begin(read_only=True) as connection:
        found = await queries.read_page(connection, page.limit + 1, page.after or "")
    shown = [CounterBody(*counter) for counter in found[: page.limit]]
    following = shown[-1].name if len(found) > page.limit else None
    return web.answer(CounterList(shown, following))


@counter_api.put("/<name>")
@tag(["counters"])
@document_request(Value)
@document_response(CounterBody)
@document_answers(NO_ADMIN | UNAVAILABLE)
@admin_required
async def put(name: Name) -> Response:
    """Set a counter, creating it if it is new; for admins."""
    names.check(name)
    body = await read_body(Value)
    async with begin() as connection:
        counter = await queries.put(connection, name, body.value)
    return web.answer(CounterBody(*counter))


@counter_api.delete("/<name>")
@tag(["counters"])
@document_answers({204: "The counter is deleted"} | NOT_FOUND | UNAVAILABLE)
@admin_required
async def remove(name: Name) -> Response:
    """Delete a counter; for admins."""
    names.check(name)
    async with begin() as connection:
        if not await queries.remove(connection, name):
            raise NotFound("There is no such counter.")
    counting.forget(name)
    return Response(status=204)


def describe(app: Application) -> None:
    """Give MAX_AMOUNT as the largest amount in the API's description."""

    def bound_amount(described: dict[str, Any]) -> None:
        amount = described["components"]["schemas"]["Amount"]["properties"]["amount"]
        amount["maximum"] = app.settings(CounterSettings).MAX_AMOUNT

    web.amend(app, bound_amount)
