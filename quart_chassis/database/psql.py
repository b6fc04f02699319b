"""Open psql or another client on the database, and empty it, for the commands."""

import ipaddress
import os
import re
import shutil
import signal
import subprocess

import asyncpg

from quart_chassis.database import unavailable
from quart_chassis.database.engines import addresses_of, connect_once
from quart_chassis.errors import UserError
from quart_chassis.postgres import programs
from quart_chassis.settings import Settings, database_url


def run_client(settings: Settings, name: str, words: list[str]) -> int:
    """Run the client program `name` on the configured database; its exit status.

    `words` are its arguments. The password goes into the environment, which other users
    cannot read.
    """
    path = str(programs.find()) if settings.embedded else None
    program = shutil.which(name, path=path)
    if program is None:
        raise UserError(f"{name} is not on PATH; install PostgreSQL's client")
    # asyncpg has no PGHOSTADDR, which would lead psql to another server, and what a
    # shell says of servers is not for the development database.
    strangers = "PG" if settings.embedded else "PGHOSTADDR"
    environment = {
        variable: value
        for variable, value in os.environ.items()
        if not variable.startswith(strangers)
    }
    if settings.DATABASE_URL:
        url = database_url.parse(settings.DATABASE_URL, "DATABASE_URL")
        place = ["-d", url.dsn_without_password]
        password = url.password
    else:
        [address] = addresses_of(settings)
        names = {"host": "host", "port": "port", "user": "user", "database": "dbname"}
        place = [
            "-d",
            " ".join(f"{names[name]}={_quoted(address[name])}" for name in names),
        ]
        password = str(address.get("password") or "")
    if password:
        environment["PGPASSWORD"] = password
    # Ctrl-C is for psql, which then cancels a statement.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    command = [program, *words, *place]
    return subprocess.run(command, env=environment, check=False).returncode


def _quoted(value: object) -> str:
    """A value as libpq's words have it (PostgreSQL manual, 34.1.1.1)."""
    escaped = str(value).replace("\\", r"\\").replace("'", r"\'")
    return f"'{escaped}'"


def refuse_unless_development(settings: Settings) -> None:
    """Raise UserError unless this is a development database on this machine."""
    if settings.ENV_FOR_DYNACONF != "development":
        raise UserError(
            f"resetdb is for development only; ENV_FOR_DYNACONF is "
            f"{settings.ENV_FOR_DYNACONF}"
        )
    if settings.embedded:
        return
    hosts, name = settings.database_host, settings.database_name
    if not _on_this_machine(hosts):
        raise UserError(
            f"resetdb empties databases on this machine only; this one is on {hosts}"
        )
    if not name:
        raise UserError("resetdb must know what it empties; name it in DATABASE_URL")


def _on_this_machine(hosts: str) -> bool:
    for host in hosts.split(","):
        name = (
            re.sub(r":\d+$", "", host) if "]" in host or host.count(":") == 1 else host
        )
        if name == "localhost" or name.startswith("/"):
            continue
        try:
            if not ipaddress.ip_address(name.strip("[]")).is_loopback:
                return False
        except ValueError:
            return False
    return True


async def empty(settings: Settings) -> None:
    """Drop every table and everything else in the public schema."""
    try:
        connection = await connect_once(settings)
        try:
            await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        finally:
            await connection.close()
    except Exception as error:
        if problem := unavailable.problem(error, settings):
            raise problem from None
        if isinstance(error, asyncpg.PostgresError):
            raise UserError(
                f"PostgreSQL refused: {unavailable.words_of(error)}"
            ) from None
        raise
