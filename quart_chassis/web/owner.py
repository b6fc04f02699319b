"""The owner: until there are accounts, whoever has ADMIN_TOKEN."""

import hmac
import secrets
import time
from typing import Any, cast

from quart import session

from quart_chassis import settings
from quart_chassis.door import is_foreign
from quart_chassis.settings import Settings
from quart_chassis.web.asked import asked, is_from_this_machine

# What a session knows, and how long it lasts, however often it is used.
DIGEST, SINCE = "owner", "owner_since"
SESSION_SECONDS = 14 * 24 * 60 * 60


def is_owner() -> bool:
    """Whether the owner asks: with the bearer token ADMIN_TOKEN, or signed in.

    In development, while no ADMIN_TOKEN is set, everybody on this machine is the owner.
    """
    if asked().path.startswith("/api/") and _is_foreign():
        # CORS_ORIGINS let it in, as nobody: what a browser adds does not count.
        return has_bearer()
    if not settings.current(Settings).ADMIN_TOKEN:
        return is_developer()
    return has_bearer() or _has_session()


def has_bearer() -> bool:
    """Whether the caller sent ADMIN_TOKEN as bearer token."""
    scheme, _, given = asked().headers.get("Authorization", "").partition(" ")
    # Quart reads the bytes of a header as Latin-1.
    return scheme.lower() == "bearer" and is_token(given.strip().encode("latin-1"))


def is_token(given: bytes) -> bool:
    """Whether this is the ADMIN_TOKEN in UTF-8, compared in constant time."""
    token = settings.current(Settings).ADMIN_TOKEN
    matches = secrets.compare_digest(given, token.encode())
    return bool(token) and matches


def is_developer() -> bool:
    """Whether somebody on this machine asks, in development."""
    chosen = settings.current(Settings)
    return chosen.ENV_FOR_DYNACONF == "development" and is_from_this_machine()


def sign_in() -> None:
    """Make the session the owner's; nothing of an earlier one is kept."""
    session.clear()
    session.permanent = True
    session[DIGEST] = _digests()[0]
    session[SINCE] = int(time.time())


def _has_session() -> bool:
    age_seconds = time.time() - session.get(SINCE, 0)
    digest = session.get(DIGEST, "")
    known = any(hmac.compare_digest(digest, each) for each in _digests())
    return known and age_seconds < SESSION_SECONDS


def _digests() -> list[str]:
    """What sessions of this ADMIN_TOKEN hold; the first is for new ones.

    Whoever sees a cookie cannot guess the token by it without the SECRET_KEY.
    """
    chosen = settings.current(Settings)
    keys = (chosen.SECRET_KEY, *chosen.SECRET_KEY_FALLBACKS)
    token = chosen.ADMIN_TOKEN.encode()
    return [hmac.digest(key.encode(), token, "sha256").hex() for key in keys]


def _is_foreign() -> bool:
    return is_foreign(cast("dict[str, Any]", asked().scope))
