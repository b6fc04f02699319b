"""Who may call a route: whoever has the ADMIN_TOKEN."""

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

# What the API's description calls it.
ADMIN = "admin"

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


def admin_required(
    view: Callable[Parameters, Awaitable[Answer]],
) -> Callable[Parameters, Awaitable[Answer]]:
    """The view for those who bear ADMIN_TOKEN: 401 for others, 404 where none is set.

    The comparison takes as long wherever the difference lies.
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
            "This needs the bearer token of ADMIN_TOKEN.",
            www_authenticate=WWWAuthenticate("bearer"),
        )
