"""Which `Host` headers are answered."""

from functools import lru_cache

from werkzeug.sansio.utils import host_is_trusted

# A load balancer asks these by the machine's address.
PROBES = (b"/livez", b"/readyz")
# A domain's name has 253 characters at most (RFC 1035, 2.3.4), and a port five.
LONGEST_HOST = 260


def is_answered(host: str, trusted: tuple[str, ...]) -> bool:
    """Whether the host is well formed and among those of TRUSTED_HOSTS."""
    return len(host) <= LONGEST_HOST and _is_answered(host, trusted)


@lru_cache(maxsize=256)
def _is_answered(host: str, trusted: tuple[str, ...]) -> bool:
    try:
        # What cannot be encoded is no name, and Quart would fail on it.
        host.encode("idna")
    except UnicodeError:
        return False
    # As elsewhere, * is any.
    return host_is_trusted(host, () if "*" in trusted else trusted)
