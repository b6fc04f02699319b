"""Parse a database's URL as `psql` does.

The grammar is libpq's (PostgreSQL manual, 34.1.1.2): everything up to the first `@` is
user and password, only `%XX` is decoded, and `+` is a plus. asyncpg's own parser takes
`#` and `?` in a password for the start of another part, so each part is quoted again
before asyncpg gets the URL.
"""

import re
import ssl
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

from quart_chassis.errors import UserError
from quart_chassis.settings import libpq


@dataclass(frozen=True, repr=False)
class DatabaseUrl:
    """A parsed URL, for asyncpg and psql.

    `hosts` and `database` are for messages, and empty where the URL leaves them to the
    environment or to a service file.
    """

    dsn: str
    dsn_without_password: str
    password: str
    hosts: str
    database: str
    system_certificates: bool
    connect_timeout_seconds: int

    def asyncpg_arguments(self) -> dict[str, object]:
        """Keyword arguments for `asyncpg.connect`, without timeouts."""
        if not self.system_certificates:
            return {"dsn": self.dsn}
        return {"dsn": self.dsn, "ssl": ssl.create_default_context()}


@lru_cache
def parse(url: str, setting: str) -> DatabaseUrl:
    """The parsed `url`; UserError names `setting` and what is wrong."""
    if "://" not in url.partition("=")[0]:
        url = libpq.url_of_words(url, setting)
    userinfo, hosts, database, query = _parts(url, setting)
    user, _, password = userinfo.partition(":")
    parameters = _parameters(query, setting)
    # What is named twice counts where it is named last, as for libpq. asyncpg would
    # take what is named first.
    if hosts and "port" in parameters:
        bare = re.sub(r":\d+(?=,|$)", "", hosts)
        parameters.setdefault("host", _decoded(bare, setting))
    hosts = "" if "host" in parameters else hosts
    database = "" if "dbname" in parameters else database
    user = "" if "user" in parameters else user
    _check_hosts(hosts, parameters.get("port", ""), setting)
    password = parameters.pop("password", _decoded(password, setting))
    system = parameters.get("sslrootcert") == "system"
    if system and parameters.setdefault("sslmode", "verify-full") != "verify-full":
        raise UserError(f"{setting}: sslrootcert=system needs sslmode=verify-full")
    timeout = parameters.get("connect_timeout", "0")
    if not timeout.isdecimal():
        raise UserError(f"{setting}: connect_timeout must be a number of seconds")
    left_out = libpq.OURS | ({"sslrootcert", "sslmode"} if system else set())
    user = quote(_decoded(user, setting), safe="")
    name = _decoded(database, setting)
    place = f"{hosts}/{quote(name, safe='')}"
    secret = f":{quote(password, safe='')}" if password else ""
    # Without a user asyncpg finds one itself; an empty user would be wrong.
    login = f"{user}{secret}@" if user or secret else ""
    known = "" if "service" in parameters else parameters.get("host", "")
    return DatabaseUrl(
        dsn=f"postgresql://{login}{place}{_line(parameters, left_out)}",
        # psql asks for what is left out.
        dsn_without_password=(
            f"postgresql://{user}@{place}{_line(parameters, {'sslpassword'})}"
        ),
        password=password,
        hosts=unquote(hosts) or known,
        database=name or parameters.get("dbname", ""),
        system_certificates=system,
        connect_timeout_seconds=int(timeout),
    )


def _parts(url: str, setting: str) -> tuple[str, str, str, str]:
    """User and password, hosts, database and query, still quoted."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"postgres", "postgresql"}:
        raise UserError(f"{setting} must begin with postgresql:// or postgres://")
    userinfo = ""
    if match := re.match(r"([^@/]*)@", rest):
        userinfo, rest = match[1], rest[match.end() :]
    rest, _, query = rest.partition("?")
    hosts, _, database = rest.partition("/")
    if "@" in hosts + database:
        raise UserError(
            f"{setting}: in user and password write %40 for @ and %2F for /"
        )
    return userinfo, hosts, database, query


def _line(parameters: dict[str, str], left_out: set[str]) -> str:
    pairs = (
        f"{name}={quote(value, safe='')}"
        for name, value in parameters.items()
        if name not in left_out
    )
    return "?" * bool(parameters.keys() - left_out) + "&".join(pairs)


def _parameters(query: str, setting: str) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, separator, value = pair.partition("=")
        name, value = _decoded(name, setting), _decoded(value, setting)
        if name in libpq.CANNOT:
            raise UserError(f"{setting}: {name} cannot be had; {libpq.CANNOT[name]}")
        if name not in libpq.ASYNCPG | libpq.OURS | {"ssl"}:
            shown = repr(name) if name.isidentifier() else "that is no word"
            raise UserError(f"{setting} has the unknown parameter {shown}; remove it")
        if not separator or not value:
            raise UserError(f"{setting}: the parameter {name} has no value; remove it")
        if value not in (known := libpq.WORDS.get(name, {value})):
            raise UserError(
                f"{setting}: {name} must be one of {', '.join(sorted(known))}"
            )
        if name == "ssl":
            parameters.setdefault("sslmode", "require")
        else:
            parameters[name] = value
    return parameters


def _check_hosts(hosts: str, ports: str, setting: str) -> None:
    for host in hosts.split(","):
        match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::(\d+))?", host)
        if not match or (match[2] and not 0 < int(match[2]) < 65536):
            raise UserError(
                f"{setting}: a host is a name or a bracketed address, optionally with "
                ": and a port, which must be a number from 1 to 65535"
            )
    for port in filter(None, ports.split(",")):
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise UserError(f"{setting}: port must be a number from 1 to 65535")


def _decoded(text: str, setting: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise UserError(f"{setting} has a % without two digits after it; write %25")
    return unquote(text)
