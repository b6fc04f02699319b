"""The owner's own visits are not counted where a signed cookie says so.

The cookie says nothing else, and nobody but the owner gets it.
"""

from itsdangerous import Signer
from quart import Request, request
from werkzeug import Response

from quart_chassis import settings
from quart_chassis.settings import Settings

COOKIE, SAID = "not_me", "not me"
# Browsers keep no cookie for longer (RFC 6265bis, 5.5).
LASTS_SECONDS = 400 * 24 * 60 * 60


def is_said(request: Request) -> bool:
    """Whether this browser's visits are the owner's, and not to be counted."""
    # Looking into cookies costs more than seeing that there are none.
    given = request.cookies.get(COOKIE) if "Cookie" in request.headers else None
    return bool(given) and _signer().validate(str(given))


def say(response: Response) -> None:
    """Have the browser say so from now on, also where another site shows a badge."""
    is_secure = request.scheme == "https"
    response.set_cookie(
        COOKIE,
        _signer().sign(SAID).decode(),
        max_age=LASTS_SECONDS,
        path=_path(),
        httponly=True,
        secure=is_secure,
        # Browsers take None only with Secure.
        samesite="None" if is_secure else "Lax",
    )


def take_back(response: Response) -> None:
    """Have the browser's visits counted again."""
    response.delete_cookie(COOKIE, path=_path())


def _signer() -> Signer:
    chosen = settings.current(Settings)
    # The last one signs, all of them are believed.
    keys = [*reversed(chosen.SECRET_KEY_FALLBACKS), chosen.SECRET_KEY]
    return Signer(keys, salt="counter_app.not_me", key_derivation="hmac")


def _path() -> str:
    return f"{request.root_path}/"
