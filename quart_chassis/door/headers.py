"""What browsers are told not to do, as bytes that are prepared once."""

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]

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
# A view may set any of them itself; that one stays.
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

PREPARED: Headers = [
    (name.lower().encode(), value.encode()) for name, value in HEADERS.items()
]
HSTS = (b"strict-transport-security", STRICT_TRANSPORT_SECURITY.encode())
CLOSE = (b"connection", b"close")


def completed(given: Iterable[tuple[bytes, bytes]], added: Headers) -> Headers:
    """The headers of an answer, the policy's where it has none of its own, and more."""
    headers = list(given)
    names = {name.lower() for name, _ in headers}
    headers += [each for each in PREPARED if each[0] not in names]
    return headers + added
