"""Read JSON strictly, with errors that name the field, and write it."""

import json
from math import isfinite
from typing import Any, TypeVar

import msgspec
from quart import Response, request
from werkzeug.exceptions import (
    BadRequest,
    UnprocessableEntity,
    UnsupportedMediaType,
)

Model = TypeVar("Model", bound=msgspec.Struct)


async def read_body(kind: type[Model]) -> Model:
    """The request's body as a `kind`; an empty body is `{}`.

    415 if its type is not JSON; 400 if its content is not JSON (RFC 8259) in UTF-8
    without duplicate members (RFC 7493); 422 if it does not fit `kind`.
    """
    content = await request.get_data(True, False, False)
    if content and request.mimetype != "application/json":
        raise UnsupportedMediaType("The body must be application/json.")
    try:
        value = parse_json(content.decode("utf-8") or "{}")
    except (ValueError, RecursionError):
        raise BadRequest(
            "The body is not JSON in UTF-8 without duplicate members."
        ) from None
    if b"\\u" in content:
        # Only an escape can bring half of a character: the body is UTF-8.
        _refuse_halves(value)
    return _converted(value, kind, strict=True)


def read_query(kind: type[Model]) -> Model:
    """The query string as a `kind`, or 422."""
    return _converted(request.args.to_dict(), kind, strict=False)


def parse_json(text: str) -> Any:
    """What a text says that is JSON (RFC 8259) without duplicate members (RFC 7493).

    ValueError if it is none; RecursionError if it is too deep.
    """
    return json.loads(
        text,
        object_pairs_hook=_without_duplicates,
        parse_float=_whole_if_it_is,
        parse_constant=_refuse,
    )


def _converted(value: object, kind: type[Model], strict: bool) -> Model:
    try:
        return msgspec.convert(value, kind, strict=strict)
    except msgspec.ValidationError as error:
        raise UnprocessableEntity(str(error).replace("`", "")) from None


def answer(model: msgspec.Struct, status: int = 200) -> Response:
    """A model as a JSON response."""
    body = msgspec.json.encode(model)
    return Response(body, status, content_type="application/json")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate member")
    return found


def _whole_if_it_is(digits: str) -> float:
    """JSON has one kind of number: 1.0 and 1e0 are 1 (JSON Schema, 6.1.1)."""
    number = float(digits)
    if not isfinite(number):
        raise ValueError(f"{digits} is too large")
    whole = number.is_integer() and abs(number) < 2**53
    return int(number) if whole else number


def _refuse_halves(value: object) -> None:
    """422 for half of a surrogate pair (RFC 7493, 2.1), which can be read, not sent."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise UnprocessableEntity("A text holds half of a character.") from None


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")
