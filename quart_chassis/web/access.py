"""Routes that require the ADMIN_TOKEN."""

import secrets
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from quart import request
from quart_schema import security_scheme
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import NotFound, Unauthorized

from quart_chassis import settings
from quart_chassis.settings import Settings

# The scheme's name in the API's description.
ADMIN = "admin"

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


def admin_required(
    view: Callable[Parameters, Awaitable[Answer]],
) -> Callable[Parameters, Awaitable[Answer]]:
    """The view for callers with the bearer token ADMIN_TOKEN; 401 for other callers.

    404 if no ADMIN_TOKEN is set. The comparison takes constant time.
    """

    @wraps(view)
    async def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        _check_admin()
        return await view(*args, **kwargs)

    return security_scheme([{ADMIN: []}])(guarded)


def _check_admin() -> None:
    token = settings.current(Settings).ADMIN_TOKEN
    if not token:
        raise NotFound("There is no such page.")
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    matches = secrets.compare_digest(given.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not matches:
        raise Unauthorized(
            "This route needs the ADMIN_TOKEN as bearer token.",
            www_authenticate=WWWAuthenticate("bearer"),
        )
