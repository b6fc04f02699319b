"""The one way a JSON body is read: strictly, and every complaint names the field."""

import json
from typing import Any, TypeVar

import msgspec
from quart import Request
from werkzeug.exceptions import (
    BadRequest,
    UnprocessableEntity,
    UnsupportedMediaType,
)

Body = TypeVar("Body", bound=msgspec.Struct)

# No number of ours has more digits, and a longer one would take time to convert.
MOST_DIGITS = 20


async def read_body(request: Request, kind: type[Body]) -> Body | None:
    """The body as a `kind`; None if there is none.

    415 if it is not JSON by its type, 400 if not by its content (RFC 8259, in UTF-8,
    and no member twice, as RFC 7493 has it), 422 if it is not what `kind` asks for.
    """
    content = await request.get_data(True, False, False)
    if not content:
        return None
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("The body must be application/json.")
    try:
        value = json.loads(
            content.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_int=_bounded,
            parse_float=_whole_if_it_is,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError):
        raise BadRequest(
            "The body is not JSON in UTF-8 in which no member stands twice."
        ) from None
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise UnprocessableEntity(str(error).replace("`", "")) from None


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _bounded(digits: str) -> int:
    return int(digits[: MOST_DIGITS + 1])


def _whole_if_it_is(digits: str) -> float:
    """To JSON there is one kind of number: 1.0 and 1e0 are 1 (JSON Schema, 6.1.1)."""
    number = float(digits)
    whole = number.is_integer() and abs(number) < 2**53
    return int(number) if whole else number


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
