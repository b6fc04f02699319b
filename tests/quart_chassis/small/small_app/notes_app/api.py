"""Notes for programs."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response
from quart_schema import (
    document_querystring,
    document_request,
    document_response,
    tag,
)
from werkzeug.exceptions import NotFound

from quart_chassis import web
from quart_chassis.database import begin
from quart_chassis.web import admin_required, document_answers
from small_app.notes_app import queries

UNAVAILABLE = {503: "The database does not answer"}
Number = Annotated[int, Meta(ge=1, le=2**63 - 1)]

notes_api = Blueprint("notes_api", __name__, url_prefix="/api/notes")


class NewNote(msgspec.Struct, forbid_unknown_fields=True):
    """What a note is to say."""

    text: Annotated[str, Meta(min_length=1, max_length=200, pattern="^[^\\x00]*$")]


class Note(msgspec.Struct):
    """A note."""

    number: int
    text: str
    created_at: datetime


class Page(msgspec.Struct):
    """Which notes to list."""

    after: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    limit: Annotated[int, Meta(ge=1, le=100)] = 100


class Notes(msgspec.Struct):
    """Notes in the order of their numbers."""

    notes: list[Note]
    last_at: datetime | None


@notes_api.post("")
@tag(["notes"])
@document_request(NewNote)
@document_response(Note)
@document_answers(UNAVAILABLE)
async def add() -> Response:
    """Write a note down."""
    new = await web.read_body(NewNote)
    async with begin() as connection:
        note = await queries.add(connection, new.text)
    return web.answer(Note(*note))


@notes_api.get("")
@tag(["notes"])
@document_querystring(Page)
@document_response(Notes)
@document_answers(UNAVAILABLE)
async def list_notes() -> Response:
    """List notes, a page at a time."""
    page = web.read_query(Page)
    async with begin() as connection:
        found = await queries.page(connection, page.after, page.limit)
    shown = [Note(*note) for note in found]
    return web.answer(Notes(shown, shown[-1].created_at if shown else None))


# PostgreSQL knows no larger number.
@notes_api.delete(f"/<int(max={2**63 - 1}):number>")
@tag(["notes"])
@document_answers({204: "It is gone", 404: "There is no such note"} | UNAVAILABLE)
@admin_required
async def remove(number: Number) -> Response:
    """Delete a note."""
    async with begin() as connection:
        if not await queries.remove(connection, number):
            raise NotFound("There is no such note.")
    return Response(status=204)
