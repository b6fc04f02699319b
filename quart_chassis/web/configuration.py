"""What Quart is told of the settings."""

from typing import Any

from quart_chassis.settings import Settings
from quart_chassis.web import owner

# Less than a stop takes, so that a slow caller does not delay it.
BODY_SECONDS = 5


def of(chosen: Settings) -> dict[str, Any]:
    """What Quart and its extensions read."""
    found: dict[str, Any] = {
        "ENV_FOR_DYNACONF": chosen.ENV_FOR_DYNACONF,
        "SECRET_KEY": chosen.SECRET_KEY,
        "SECRET_KEY_FALLBACKS": list(chosen.SECRET_KEY_FALLBACKS),
        "SESSION_COOKIE_SECURE": chosen.production,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        # A session ends when it is old, however often it is used.
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": owner.SESSION_SECONDS,
        "MAX_CONTENT_LENGTH": chosen.BODY_LIMIT_BYTES,
        "BODY_TIMEOUT": BODY_SECONDS,
    }
    if chosen.reloading:
        # A request may wait in a debugger.
        for name in ("BODY_TIMEOUT", "RESPONSE_TIMEOUT"):
            found[name] = chosen.limit_seconds
    return found
