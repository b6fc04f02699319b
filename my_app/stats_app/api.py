"""The owner's export and import of all counters."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from io import BytesIO

import msgspec
from quart import Blueprint, Response, request
from quart_schema import document_response, tag
from werkzeug.exceptions import (
    RequestEntityTooLarge,
    UnprocessableEntity,
    UnsupportedMediaType,
)

from my_app.stats_app import transfer
from quart_chassis import web
from quart_chassis.web import accepts_body, admin_required, document_answers

NDJSON = "application/x-ndjson"
# It is kept in memory; the command reads files of any size.
LARGEST_BYTES = 32 * 1024 * 1024
# So much arrives in it at 5 Mbit/s.
ARRIVAL_SECONDS = 60

NO_ADMIN = {404: "ADMIN_TOKEN is not set"}
UNAVAILABLE = {503: "The database does not answer"}

transfer_api = Blueprint("transfer_api", __name__, url_prefix="/api")


class Imported(msgspec.Struct):
    """How much was written."""

    counters: int
    days: int


@transfer_api.get("/export")
@tag(["transfer"])
@document_answers({200: "A line for each counter, between a head and an end"}, NDJSON)
@document_answers(NO_ADMIN | UNAVAILABLE)
@admin_required
async def export() -> Response:
    """Stream all counters with their days, as they are at one moment; for admins.

    If the last line has no "end", it was cut off.
    """
    body = b"" if request.method == "HEAD" else await _begun(transfer.export())
    response = Response(body, content_type=NDJSON)
    response.timeout = None
    response.headers["Content-Disposition"] = 'attachment; filename="counters.ndjson"'
    return response


@transfer_api.post("/import")
@tag(["transfer"])
@document_response(Imported)
@document_answers(NO_ADMIN | UNAVAILABLE | {422: "A line is wrong: which, and why"})
@accepts_body(LARGEST_BYTES, ARRIVAL_SECONDS)
@admin_required
async def import_() -> Response:
    """Write the counters of an export over those of the same names; for admins.

    It is written in batches: after an error, the whole may be sent again.
    """
    if request.mimetype != NDJSON:
        raise UnsupportedMediaType(f"The body must be {NDJSON}.")
    try:
        content = await request.get_data(True, False, False)
        imported = await transfer.import_all(BytesIO(content))
    except RequestEntityTooLarge:
        raise RequestEntityTooLarge(
            f"A file of more than {LARGEST_BYTES} bytes is imported by the command "
            "importcounters, on the server."
        ) from None
    except transfer.BadLine as error:
        raise UnprocessableEntity(str(error)) from None
    return web.answer(Imported(imported.counters, imported.days))


async def _begun(pieces: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
    """The pieces; what keeps the first one from coming is still an error's answer."""
    first = await anext(pieces)

    async def all_of_them() -> AsyncIterator[bytes]:
        async with aclosing(pieces):
            yield first
            async for piece in pieces:
                yield piece

    return all_of_them()
