"""Which names counters may have, and which may be counted."""

import re

from quart import current_app

from my_app.settings import Settings

HOME = "home"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
PATTERN = f"^{NAME.pattern}$"


def is_name(name: str) -> bool:
    """Whether a counter may be called that."""
    return NAME.fullmatch(name) is not None


def may_be_counted(name: str) -> bool:
    """Whether COUNTER_NAMES lets visitors count it; `home` always may."""
    settings: Settings = current_app.extensions["settings"]
    allowed = settings.COUNTER_NAMES
    return not allowed or name == HOME or name in allowed
