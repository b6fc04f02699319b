"""Items of settings that name hosts, origins and proxies.

Each function raises ValueError, whose text says what is wrong and what to write.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

# The names of other programs have underscores, though those of domains have not.
HOST = re.compile(r"([A-Za-z0-9._-]+|\[[A-Fa-f0-9:.]+\])(?::([0-9]{1,5}))?")
# RFC 1035, 2.3.4.
LONGEST_LABEL = 63
ANY = "*"


@dataclass(frozen=True)
class Host:
    """A host as requests name it; `port` is empty where none is named."""

    name: str
    port: str


@dataclass(frozen=True)
class TrustedHost:
    """Hosts that are answered: one, or with `below` those below it, or all.

    `itself` says whether the name belongs to them, too; without a port, any is right.
    """

    name: str
    port: str
    below: bool
    itself: bool

    def has(self, host: Host) -> bool:
        """Whether `host` is one of them."""
        if self.port and self.port != host.port:
            return False
        named = self.itself and host.name == self.name
        return named or (self.below and host.name.endswith(f".{self.name}"))


def host(text: str) -> Host | None:
    """A `Host` header's host without letter case and final dot; None if it is none."""
    found = HOST.fullmatch(text)
    if not found or int(found[2] or 1) not in range(1, 65536):
        return None
    name = found[1].lower().removesuffix(".")
    if name.startswith("["):
        if not _is_address(name.strip("[]")):
            return None
    elif not all(0 < len(label) <= LONGEST_LABEL for label in name.split(".")):
        return None
    return Host(name, str(int(found[2])) if found[2] else "")


def trusted_host(text: str) -> TrustedHost:
    """`example.org`, `*.example.org` (what is below it), or `.example.org` (both)."""
    if "://" in text or "/" in text:
        raise ValueError("it is a host's name; leave out the scheme and the path")
    below = text.startswith(("*.", "."))
    bare = text.removeprefix("*").removeprefix(".") if below else text
    if "*" in bare:
        raise ValueError("* may stand alone, or in front as in *.example.org")
    name, colon, port = bare.partition(":")
    if not bare.startswith("["):
        bare = _ascii(name) + colon + port
    if _is_address(bare) and ":" in bare:
        raise ValueError(f"write [{bare}]")
    found = host(bare)
    if not found:
        raise ValueError("it is no host, such as example.org or example.org:8000")
    return TrustedHost(found.name, found.port, below, itself=not text.startswith("*"))


def origin(text: str) -> str:
    """`*`, or an origin as browsers send it (RFC 6454, 6.1)."""
    if text == ANY:
        return text
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if not parts.scheme or not parts.hostname or "*" in text:
        raise ValueError("an origin is such as https://example.org, or * alone")
    name = _as_browsers_write(parts.hostname)
    standard = {"http": 80, "https": 443}.get(parts.scheme)
    shown = f":{port}" if port and port != standard else ""
    browsers = f"{parts.scheme}://{name}{shown}"
    if not host(f"{name}{shown}"):
        raise ValueError("an origin is such as https://example.org, or * alone")
    if text != browsers:
        raise ValueError(f"browsers send {browsers}")
    return text


def proxy(text: str) -> str:
    """`*`, an address, or a network."""
    if text == ANY:
        return text
    try:
        ipaddress.ip_network(text)
    except ValueError:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            raise ValueError(
                "addresses are compared, so it must be one, or a network such as "
                "10.0.0.0/8"
            ) from None
        raise ValueError(f"the network is {network}") from None
    return text


def is_database_host(text: str) -> bool:
    """Whether it may be where a database is: a host, or the folder of its socket."""
    is_name = re.fullmatch(r"[^\s,/:@?#%=\[\]]+", text)
    return text.startswith("/") or _is_address(text) or bool(is_name)


def _as_browsers_write(name: str) -> str:
    """A host's name in a URL (WHATWG, URL Standard, 3.5)."""
    name = name if ":" in name else _ascii(name)
    if _is_address(name):
        address = ipaddress.ip_address(name)
        return f"[{address}]" if address.version == 6 else str(address)
    if re.fullmatch(r"[0-9]+|0[xX][0-9A-Fa-f]*", name.rpartition(".")[2]):
        raise ValueError("browsers write such an address as 127.0.0.1")
    return name


def _ascii(name: str) -> str:
    try:
        return name.encode("idna").decode("ascii") if not name.isascii() else name
    except UnicodeError:
        raise ValueError("it is no host's name") from None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
