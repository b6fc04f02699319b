"""The parameters of a connection that psql knows, and what asyncpg makes of them.

Their source is the PostgreSQL manual, 34.1.2.
"""

import configparser
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from quart_chassis.errors import UserError

TLS = {"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}
WORDS = {
    "sslmode": {"disable", "allow", "prefer", "require", "verify-ca", "verify-full"},
    "target_session_attrs": {
        *("any", "read-write", "read-only", "primary", "standby", "prefer-standby")
    },
    # asyncpg has no channel binding, so it cannot meet `require`.
    "channel_binding": {"disable", "prefer"},
    "gssencmode": {"disable", "prefer"},
    "sslnegotiation": {"postgres", "direct"},
    # What JDBC writes for sslmode=require; libpq takes it, too.
    "ssl": {"true"},
    "client_encoding": {"auto", "utf8", "UTF8", "utf-8", "UTF-8"},
    "gsslib": {"gssapi", "sspi"},
    "ssl_min_protocol_version": TLS,
    "ssl_max_protocol_version": TLS,
    "keepalives": {"0", "1"},
    "sslcompression": {"0", "1"},
    "sslsni": {"0", "1"},
}
NUMBERS = {
    *("connect_timeout", "tcp_user_timeout"),
    *("keepalives_idle", "keepalives_interval", "keepalives_count"),
}
FILES = {"sslrootcert", "sslcert", "sslkey", "sslcrl"}
ASYNCPG = {
    *("host", "port", "user", "password", "dbname", "passfile", "service"),
    *("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslpassword"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version", "sslnegotiation"),
    *("target_session_attrs", "krbsrvname", "gsslib"),
    *("application_name", "options"),
}
# What psql is told, and asyncpg is not: it does it anyway, or has no use for it. Its
# sockets have TCP keepalive as database/lost.py says.
OURS = {
    *("channel_binding", "connect_timeout", "client_encoding", "gssencmode"),
    *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
    *("tcp_user_timeout", "sslcompression", "sslsni", "fallback_application_name"),
}
# What psql knows, and asyncpg cannot do.
CANNOT = {
    "hostaddr": "write the address as host",
    "load_balance_hosts": "hosts are tried in their order",
    "replication": "it is for replicas",
    "require_auth": "asyncpg does not check how it signs in",
    "requirepeer": "asyncpg does not check it",
    "requiressl": "write sslmode=require",
    "servicefile": "set the variable PGSERVICEFILE",
    "sslcertmode": "asyncpg sends a certificate if there is one",
    "sslcrldir": "write sslcrl",
}
WORD = re.compile(
    r"(?P<name>\w+)\s*=\s*"
    r"(?:'(?P<quoted>(?:[^'\\]|\\.)*)'|(?P<plain>(?:[^\s'\\]|\\.)*))(?:\s+|$)",
    re.DOTALL,
)


def url_of_words(text: str, setting: str) -> str:
    """A URL of what `name=value name='value'` says (PostgreSQL manual, 34.1.1.1)."""
    pairs = []
    rest = text.strip()
    while rest:
        found = WORD.match(rest)
        if not found:
            raise UserError(
                f"{setting} must begin with postgresql:// or postgres://, or be words "
                "such as host=db.example dbname=app; a value with spaces needs quotes"
            )
        value = found["quoted"] if found["quoted"] is not None else found["plain"]
        value = re.sub(r"\\(.)", r"\1", value)
        if value:
            pairs.append(f"{found['name']}={quote(value, safe='')}")
        rest = rest[found.end() :]
    return f"postgresql://?{'&'.join(pairs)}"


def check(name: str, value: str, setting: str) -> None:
    """Raise UserError unless `value` can be that of the parameter `name`."""
    if value not in (known := WORDS.get(name, {value})):
        raise UserError(f"{setting}: {name} must be one of {', '.join(sorted(known))}")
    if name in NUMBERS and not re.fullmatch("[0-9]{1,9}", value):
        raise UserError(f"{setting}: {name} must be a number")
    if name in FILES and (name, value) != ("sslrootcert", "system"):
        _check_file(name, Path(value), setting)
    if name == "service":
        _check_service(value, setting)


def check_together(parameters: Mapping[str, str], setting: str) -> None:
    """Raise UserError for what each parameter may be, but not all of them together."""
    mode = parameters.get("sslmode", "prefer")
    if parameters.get("sslrootcert") == "system" and mode != "verify-full":
        raise UserError(f"{setting}: sslrootcert=system needs sslmode=verify-full")
    weak = {"disable", "allow", "prefer"}
    if parameters.get("sslnegotiation") == "direct" and mode in weak:
        raise UserError(
            f"{setting}: sslnegotiation=direct needs sslmode=require, verify-ca or "
            "verify-full"
        )


def _check_file(name: str, path: Path, setting: str) -> None:
    try:
        path.open("rb").close()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", "") or "no name of a file"
        raise UserError(f"{setting}: {name} cannot be read: {reason}") from None


def _check_service(name: str, setting: str) -> None:
    """Psql would refuse a name that is in no file; asyncpg leaves it out."""
    path = os.environ.get("PGSERVICEFILE") or "~/.pg_service.conf"
    services = configparser.ConfigParser()
    try:
        services.read(Path(path).expanduser())
    # RuntimeError: the account has no home.
    except (configparser.Error, ValueError, RuntimeError):
        raise UserError(f"{setting}: {path} is no file of services") from None
    if name not in services.sections():
        raise UserError(f"{setting}: its service is not in {path}")
