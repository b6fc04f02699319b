"""Which `Host` headers are accepted."""

from functools import lru_cache

from werkzeug.sansio.utils import host_is_trusted

# A load balancer requests these with the machine's address as host.
PROBES = ("/livez", "/readyz")
# A domain name has at most 253 characters (RFC 1035, 2.3.4), and a port five.
LONGEST_HOST = 260


def is_answered(host: str, trusted: tuple[str, ...]) -> bool:
    """Whether the host is well formed and listed in TRUSTED_HOSTS."""
    return len(host) <= LONGEST_HOST and _is_answered(host, trusted)


@lru_cache(maxsize=256)
def _is_answered(host: str, trusted: tuple[str, ...]) -> bool:
    try:
        # Quart would fail on a host that cannot be encoded.
        host.encode("idna")
    except UnicodeError:
        return False
    # `*` accepts any host.
    return host_is_trusted(host, () if "*" in trusted else trusted)
