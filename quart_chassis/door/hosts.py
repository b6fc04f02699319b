"""Which `Host` headers are accepted."""

from functools import lru_cache

from quart_chassis.settings import places

# A load balancer requests these with the machine's address as host.
PROBES = ("/livez", "/readyz")
# A domain name has at most 253 characters (RFC 1035, 2.3.4), and a port five.
LONGEST_HOST = 260


def is_answered(host: str, trusted: tuple[str, ...]) -> bool:
    """Whether the host is well formed and listed in TRUSTED_HOSTS."""
    return len(host) <= LONGEST_HOST and _is_answered(host, trusted)


@lru_cache(maxsize=256)
def _is_answered(host: str, trusted: tuple[str, ...]) -> bool:
    found = places.host(host)
    if not found:
        return False
    if not trusted or places.ANY in trusted:
        return True
    return any(places.trusted_host(each).has(found) for each in trusted)
