"""Which names counters may have, and which may be counted."""

import re

from quart import current_app
from werkzeug.exceptions import UnprocessableEntity

from my_app.settings import Settings

HOME = "home"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
PATTERN = f"^{NAME.pattern}$"


def is_name(name: str) -> bool:
    """Whether a counter may be called that."""
    return NAME.fullmatch(name) is not None


def check(name: str) -> None:
    """Nothing; 422 if no counter may be called that."""
    if not is_name(name):
        raise UnprocessableEntity(
            "name must be a letter a-z or a digit, then up to 63 of a-z 0-9 . _ -"
        )


def may_be_counted(name: str) -> bool:
    """Whether COUNTER_NAMES lets visitors count it; `home` always may."""
    settings: Settings = current_app.extensions["settings"]
    allowed = settings.COUNTER_NAMES
    return not allowed or name == HOME or name in allowed
