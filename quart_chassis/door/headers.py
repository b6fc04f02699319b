"""The security headers of every response, encoded once."""

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

# Pages load files from this site only; a script or a style that is injected into a page
# has no effect (CSP 3, 6).
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
# A view that sets one of these keeps its own value.
HEADERS = {
    # Responses are not cached, unless a view says otherwise.
    "Cache-Control": "no-store",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# One year, without subdomains: others may run those.
STRICT_TRANSPORT_SECURITY = "max-age=31536000"

PREPARED: Headers = [
    (name.lower().encode(), value.encode()) for name, value in HEADERS.items()
]
HSTS = (b"strict-transport-security", STRICT_TRANSPORT_SECURITY.encode())
CLOSE = (b"connection", b"close")


def completed(given: Iterable[tuple[bytes, bytes]], added: Headers) -> Headers:
    """`given`, the security headers that it lacks, and `added`."""
    headers = list(given)
    names = {name.lower() for name, _ in headers}
    headers += [each for each in PREPARED + added if each[0] not in names]
    return headers
