"""Types of settings, and secrets that `repr` does not show."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, get_args, get_origin

from msgspec import Meta

from quart_chassis.errors import UserError

SECRET = Meta(extra={"secret": True})
Secret = Annotated[str, SECRET]
Secrets = Annotated[tuple[str, ...], SECRET]


class Hidden(str):
    """A secret: a string that `repr` does not show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'" if self else "''"


def is_secret(hint: Any) -> bool:
    """Whether a setting of this type must never be shown."""
    return get_origin(hint) is Annotated and SECRET in get_args(hint)


def hides_a_secret(hint: Any) -> bool:
    """Whether a secret is a part of the type, where nothing would hide it."""
    if is_secret(hint):
        return bare(hint) not in {str, tuple[str, ...]}
    return any(is_secret(part) or hides_a_secret(part) for part in get_args(hint))


def bare(hint: Any) -> Any:
    """The type without its bounds."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def hidden(value: Any) -> Any:
    """A secret, or several, as `Hidden`."""
    return Hidden(value) if isinstance(value, str) else tuple(map(Hidden, value))


def is_utf8(text: str) -> bool:
    """Whether it can be written; bytes that are no UTF-8 come in as surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_each(name: str, items: Iterable[str], check: Callable[[str], object]) -> None:
    """UserError for the first item of the setting `name` that `check` refuses.

    `check` raises ValueError, which says what is wrong and what to write.
    """
    for item in items:
        try:
            check(item)
        except ValueError as error:
            raise UserError(f"{name} has {item!r}: {error}") from None
