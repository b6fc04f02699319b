"""Read a form that was posted, from a body that is as bounded as any other."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import TypeVar
from urllib.parse import parse_qsl

from quart import request
from quart.datastructures import FileStorage
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import (
    BadRequest,
    RequestEntityTooLarge,
    UnprocessableEntity,
    UnsupportedMediaType,
)
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder
from wtforms.fields import FileField

from quart_chassis.web.forms import Form

MOST_FIELDS = 1000

Kind = TypeVar("Kind", bound=Form)
Pair = tuple[str, str | FileStorage]


async def read_form(kind: type[Kind]) -> Kind:
    """The posted form as a `kind`, not validated yet; an empty body is an empty form.

    415 if its type is not that of a form; 400 if it cannot be read; 413 if it is too
    large, or has more than 1000 fields; 422 if it has a file for which `kind` has no
    FileField.
    """
    content = await request.get_data(True, False, False)
    pairs = list(_pairs(content))
    form = kind(MultiDict(pairs))
    _check_files(form, pairs)
    return form


def _pairs(content: bytes) -> Iterable[Pair]:
    match request.mimetype:
        case "application/x-www-form-urlencoded":
            return _urlencoded(content)
        case "multipart/form-data":
            return _multipart(content, request.mimetype_params.get("boundary", ""))
        case _ if content:
            raise UnsupportedMediaType("The body must be a form.")
    return ()


def _urlencoded(content: bytes) -> Iterable[Pair]:
    try:
        return parse_qsl(
            _text(content),
            keep_blank_values=True,
            errors="surrogateescape",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise RequestEntityTooLarge("The form has too many fields.") from None


def _multipart(content: bytes, boundary: str) -> Iterator[Pair]:
    """RFC 7578; a file that was not chosen is left out."""
    decoder = MultipartDecoder(boundary.encode(), max_parts=MOST_FIELDS)
    decoder.receive_data(content)
    decoder.receive_data(None)
    try:
        while not isinstance(event := decoder.next_event(), Epilogue):
            if isinstance(event, Field | File):
                part, body = event, b""
            elif isinstance(event, Data):
                body += event.data
                if not event.more_data and (part.name and not _is_unchosen(part)):
                    yield part.name, _value(part, body)
    except ValueError:
        raise BadRequest("The form cannot be read.") from None


def _is_unchosen(part: Field | File) -> bool:
    return isinstance(part, File) and not part.filename


def _value(part: Field | File, body: bytes) -> str | FileStorage:
    if isinstance(part, Field):
        return _text(body)
    return FileStorage(BytesIO(body), part.filename, part.name, headers=part.headers)


def _text(content: bytes) -> str:
    """What is not UTF-8 becomes halves of characters, which no field takes."""
    return content.decode("utf-8", "surrogateescape")


def _check_files(form: Form, pairs: Iterable[Pair]) -> None:
    """422 if a file is where a text should be, or the other way round."""
    takes_file = {each.name for each in form if isinstance(each, FileField)}
    for name, value in pairs:
        if isinstance(value, FileStorage) != (name in takes_file):
            raise UnprocessableEntity(
                "The form has a file that it does not take, or lacks one."
            )
