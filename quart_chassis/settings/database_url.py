"""Parse a database's URL as `psql` does.

The grammar is libpq's (PostgreSQL manual, 34.1.1.2): everything up to the first `@` is
user and password, only `%XX` is decoded, and `+` is a plus. asyncpg's own parser takes
`#` and `?` in a password for the start of another part, so each part is quoted again
before asyncpg gets the URL.
"""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote

from quart_chassis.errors import UserError
from quart_chassis.settings import libpq


@dataclass(frozen=True, repr=False)
class DatabaseUrl:
    """A parsed URL, for asyncpg and psql.

    `dsns` has one for each host, unless asyncpg has to see all of them at once. `hosts`
    and `database` are for messages, and empty where the URL leaves them to the
    environment or to a service file.
    """

    dsns: tuple[str, ...]
    dsn_without_password: str
    password: str
    hosts: str
    database: str
    system_certificates: bool
    connect_timeout_seconds: int

    def asyncpg_arguments(self) -> list[dict[str, object]]:
        """Keyword arguments for `asyncpg.connect`, for each host, without timeouts."""
        tls: dict[str, object] = {}
        if self.system_certificates:
            tls["ssl"] = ssl.create_default_context()
        return [{"dsn": dsn} | tls for dsn in self.dsns]


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
    _check_hosts(hosts, setting)
    _check_lists(hosts, parameters, setting)
    password = parameters.pop("password", _decoded(password, setting))
    if system := parameters.get("sslrootcert") == "system":
        parameters.setdefault("sslmode", "verify-full")
    libpq.check_together(parameters, setting)
    left_out = libpq.OURS | ({"sslrootcert", "sslmode"} if system else set())
    user = quote(_decoded(user, setting), safe="")
    name = _decoded(database, setting)
    path = f"/{quote(name, safe='')}"
    secret = f":{quote(password, safe='')}" if password else ""
    # Without a user asyncpg finds one itself; an empty user would be wrong.
    login = f"{user}{secret}@" if user or secret else ""
    known = "" if "service" in parameters else parameters.get("host", "")
    return DatabaseUrl(
        dsns=tuple(
            f"postgresql://{login}{host}{path}{_line(parameters | place, left_out)}"
            for host, place in _each_host(hosts, parameters)
        ),
        # psql asks for what is left out.
        dsn_without_password=(
            f"postgresql://{user}@{hosts}{path}{_line(parameters, {'sslpassword'})}"
        ),
        password=password,
        hosts=unquote(hosts) or known,
        database=name or parameters.get("dbname", ""),
        system_certificates=system,
        connect_timeout_seconds=int(parameters.get("connect_timeout", 0)),
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


def _each_host(
    hosts: str, parameters: Mapping[str, str]
) -> list[tuple[str, dict[str, str]]]:
    """Each host, as it stands before the database and among the parameters."""
    if parameters.get("target_session_attrs") == "prefer-standby":
        # A standby is looked for among all of them.
        return [(hosts, {})]
    if "host" not in parameters:
        return [(host, {}) for host in hosts.split(",")]
    named = parameters["host"].split(",")
    ports = parameters.get("port", "").split(",")
    if len(ports) == 1:
        ports *= len(named)
    places = [
        {"host": host, "port": port} for host, port in zip(named, ports, strict=True)
    ]
    return [
        ("", {key: value for key, value in each.items() if value}) for each in places
    ]


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
            may_be_secret = "password" in parameters or "@" in query
            if may_be_secret or not name.isidentifier():
                raise UserError(
                    f"{setting} has an unknown parameter; in a password write %26 for "
                    "&, %2F for /, %3F for ? and %40 for @, and in words quote it"
                )
            raise UserError(f"{setting} has the unknown parameter {name!r}; remove it")
        if not separator or not value:
            raise UserError(f"{setting}: the parameter {name} has no value; remove it")
        libpq.check(name, value, setting)
        if name == "ssl":
            parameters.setdefault("sslmode", "require")
        else:
            parameters[name] = value
    return parameters


def _check_hosts(hosts: str, setting: str) -> None:
    for host in hosts.split(","):
        match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]*)(?::(\d+))?", host)
        if not match or (match[2] and not _is_port(match[2])):
            raise UserError(
                f"{setting}: a host is a name or a bracketed address, optionally with "
                ": and a port, which must be a number from 1 to 65535"
            )


def _check_lists(hosts: str, parameters: Mapping[str, str], setting: str) -> None:
    """Asyncpg takes no host of a list from the environment, as libpq would."""
    named = (hosts or parameters.get("host", "")).split(",")
    if len(named) > 1 and not all(re.match("[^:]", host) for host in named):
        raise UserError(
            f"{setting}: a host of the list is empty; name it, such as localhost"
        )
    ports = parameters.get("port", "").split(",")
    if any(port and not _is_port(port) for port in ports):
        raise UserError(f"{setting}: port must be a number from 1 to 65535")
    if len(ports) > 1 and ("" in ports or len(ports) != len(named)):
        raise UserError(
            f"{setting}: port must be one for all hosts, or one for each of them"
        )


def _is_port(text: str) -> bool:
    return bool(re.fullmatch("[0-9]{1,5}", text)) and 0 < int(text) < 65536


def _decoded(text: str, setting: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise UserError(f"{setting} has a % without two digits after it; write %25")
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise UserError(f"{setting}: what its % stand for must be UTF-8") from None
    if "\0" in decoded:
        raise UserError(f"{setting}: PostgreSQL takes no %00")
    return decoded
