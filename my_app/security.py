"""What browsers are told not to do, and whose word about a request is believed."""

from typing import TYPE_CHECKING, Any, cast

from quart import Quart, Response, request
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from werkzeug.exceptions import BadRequest
from werkzeug.sansio.utils import host_is_trusted

from my_app.settings import Settings

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework

# Everything a page uses comes from here, in files of its own; a script or a style that
# somebody manages to write into a page does nothing (CSP 3, 6).
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
HEADERS = {
    # Every answer is of its moment, unless its view says otherwise.
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# A year; subdomains are other people's until you say otherwise.
STRICT_TRANSPORT_SECURITY = "max-age=31536000"
# A load balancer asks these by the machine's address.
PROBES = ("/livez", "/readyz")


def install(app: Quart, settings: Settings) -> None:
    """Hold every request and response of `app` to the policy.

    A view may set a header of its own; what is set already stays. A `Host` that is
    malformed or not among TRUSTED_HOSTS is answered 400 before anything else happens.
    """
    app.config.update(
        SESSION_COOKIE_SECURE=settings.production,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
    )

    # As elsewhere, * is any.
    trusted = () if "*" in settings.TRUSTED_HOSTS else settings.TRUSTED_HOSTS

    @app.before_request
    async def check_host() -> None:
        host = request.headers.get("Host")
        if request.path in PROBES or host_is_trusted(host, trusted):
            return
        raise BadRequest("The Host header is malformed, or no name of this site.")

    @app.after_request
    async def protect(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        # To be left out of answers in the clear (RFC 6797, 7.2).
        if settings.production and request.scheme == "https":
            response.headers["Strict-Transport-Security"] = STRICT_TRANSPORT_SECURITY
        return response


def behind_proxies(application: "ASGIFramework", settings: Settings) -> "ASGIFramework":
    """`application`, told by FORWARDED_ALLOW_IPS who asks and whether by HTTPS."""
    trusted = list(settings.FORWARDED_ALLOW_IPS)
    middleware: Any = ProxyHeadersMiddleware(cast(Any, application), trusted)
    return cast("ASGIFramework", middleware)
