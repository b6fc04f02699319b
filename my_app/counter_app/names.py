"""The rules for counters' names."""

from typing import Annotated

from msgspec import Meta
from werkzeug.exceptions import UnprocessableEntity

from my_app.counter_app.settings import (
    NAME,
    RULE,
    CounterSettings,
)
from quart_chassis import settings

HOME = "home"
PATTERN = f"^{NAME.pattern}$"
# What is said of a name that is none.
WRONG = f"name {RULE}"
# The type of a route's argument that is a counter's name.
Name = Annotated[str, Meta(pattern=PATTERN)]


def is_name(name: str) -> bool:
    """Whether `name` is a valid counter name."""
    return NAME.fullmatch(name) is not None


def check(name: str) -> None:
    """Raise 422 if `name` is not a valid counter name."""
    if not is_name(name):
        raise UnprocessableEntity(WRONG)


def may_be_counted(name: str) -> bool:
    """Whether COUNTER_NAMES allows increments; `home` is always allowed."""
    return is_allowed(name, settings.current(CounterSettings).COUNTER_NAMES)


def is_allowed(name: str, allowed: tuple[str, ...]) -> bool:
    """Whether a COUNTER_NAMES of `allowed` allows increments."""
    return not allowed or name == HOME or name in allowed
