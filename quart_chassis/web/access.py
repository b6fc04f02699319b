"""Who may call a route: everyone, the owner, or programs with the ADMIN_TOKEN."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote

from quart import after_this_request, request, url_for
from quart.typing import ResponseTypes
from quart_schema import security_scheme
from werkzeug import Response
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import NotFound, Unauthorized

from quart_chassis import settings
from quart_chassis.settings import Settings
from quart_chassis.web import owner
from quart_chassis.web.redirects import is_local, see_other

# The schemes' names in the API's description.
ADMIN = "admin"
SESSION = "session"
POLICY_ATTRIBUTE = "_quart_chassis_policy"

Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")


def policy_of(view: Callable[..., Any]) -> str:
    """Who may call a view: `everyone`, `owner` or `admin`."""
    policy: str = getattr(view, POLICY_ATTRIBUTE, "everyone")
    return policy


def admin_required(
    view: Callable[Parameters, Awaitable[Answer]],
) -> Callable[Parameters, Awaitable[Answer]]:
    """The view for callers with the bearer token ADMIN_TOKEN; 401 for other callers.

    404 if no ADMIN_TOKEN is set. The comparison takes constant time.
    """

    @wraps(view)
    async def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
        if not settings.current(Settings).ADMIN_TOKEN:
            raise NotFound("There is no such page.")
        if not owner.has_bearer():
            raise _unauthorized("This route needs the ADMIN_TOKEN as bearer token.")
        return await view(*args, **kwargs)

    setattr(guarded, POLICY_ATTRIBUTE, "admin")
    return security_scheme([{ADMIN: []}])(guarded)


def owner_required(
    view: Callable[Parameters, Awaitable[Answer]],
) -> Callable[Parameters, Awaitable[Answer | Response]]:
    """The view for the owner: who has the bearer token ADMIN_TOKEN, or signed in.

    A browser that asks for a page is sent to /sign-in; other callers get 401. If no
    ADMIN_TOKEN is set, everybody gets 404, except that in development callers on this
    machine are the owner. What the owner gets is not cached.
    """

    @wraps(view)
    async def guarded(
        *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Answer | Response:
        if owner.is_owner():
            after_this_request(_not_cached)
            return await view(*args, **kwargs)
        if not settings.current(Settings).ADMIN_TOKEN:
            raise NotFound("There is no such page.")
        if _wants_page():
            return see_other(_sign_in_address())
        raise _unauthorized("Only the owner may do this. Sign in, and try again.")

    setattr(guarded, POLICY_ATTRIBUTE, "owner")
    return security_scheme([{ADMIN: []}, {SESSION: []}])(guarded)


def _unauthorized(text: str) -> Unauthorized:
    return Unauthorized(text, www_authenticate=WWWAuthenticate("bearer"))


def _wants_page() -> bool:
    """Whether the request can be repeated by a browser after signing in."""
    asks = request.method in {"GET", "HEAD"} and "Authorization" not in request.headers
    return asks and not request.path.startswith("/api/")


def _sign_in_address() -> str:
    """The page to sign in on, which comes back to this one."""
    here = quote(request.root_path + request.path)
    if request.query_string:
        here += f"?{request.query_string.decode('latin-1')}"
    return url_for("sign_in.show", next=here if is_local(here) else None)


def _not_cached(response: ResponseTypes) -> ResponseTypes:
    response.headers["Cache-Control"] = "no-store"
    return response
