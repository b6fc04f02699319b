"""The PostgreSQL that all tests share, and the databases they get on it."""

import asyncio
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import asyncpg

from quart_chassis.database import migrations
from quart_chassis.features import load_settings
from quart_chassis.locks import locked
from quart_chassis.postgres import embedded
from quart_chassis.postgres.cluster import digest
from quart_chassis.project import Project
from quart_chassis.testing import one_database
from quart_chassis.testing.environment import SERVER_URL, SETUP
from quart_chassis.testing.postgres import UID, lend_programs, run_folder, scratch


class TestServer:
    """The server; `uid` marks the databases of one run of the tests.

    It is a PostgreSQL for the tests alone, or the one of TEST_DATABASE_URL.
    """

    # Not a class of tests, despite its name.
    __test__ = False

    def __init__(self, project: Project, uid: str) -> None:
        self.uid = uid
        self.folder = scratch() / f"{project.name}-test-{digest(project.root)}-{uid}"

    def url(self, database: str) -> str:
        """The address of one of the server's databases."""
        if SERVER_URL:
            head, _, query = SERVER_URL.partition("?")
            scheme, _, rest = head.partition("://")
            return f"{scheme}://{rest.partition('/')[0]}/{database}?{query}"
        address = embedded.address(self.folder)
        return (
            f"postgresql://{address['user']}@/{database}"
            f"?host={quote(str(address['host']), safe='')}"
        )

    def words(self) -> str:
        """Where the server is, in libpq's words, for a program that is not asyncpg."""
        named: dict[str, object]
        if SERVER_URL:
            parts = urlsplit(SERVER_URL)
            asked = dict(parse_qsl(parts.query))
            named = {"host": asked.get("host") or parts.hostname}
            named |= {"port": asked.get("port") or parts.port}
            named |= {"user": unquote(parts.username or "")}
            named |= {"password": unquote(parts.password or "")}
        else:
            address = embedded.address(self.folder)
            named = {key: address[key] for key in ("host", "port", "user")}
        return " ".join(
            f"{key}={_quoted(value)}" for key, value in named.items() if value
        )

    def execute(self, statement: str) -> None:
        """Run one statement outside a transaction, on the server's own database."""

        async def execute() -> None:
            connection = await asyncpg.connect(SERVER_URL or self.url("postgres"))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(execute())

    def template(self, project: Project) -> str:
        """A database with the schema that the project's migrations make.

        The first process that asks makes it for all processes of this run.
        """
        name = f"template_{project.package}_{self.uid}"
        made = run_folder() / name
        with locked(run_folder() / f"{name}.lock", lambda: None):
            if not made.exists():
                # A failed migration may have left one.
                self.execute(f"DROP DATABASE IF EXISTS {name}")
                self.execute(f"CREATE DATABASE {name}")
                chosen = load_settings(project, DATABASE_URL=self.url(name))
                asyncio.run(migrations.to_revision(chosen))
                made.touch()
        return name

    def new_database(self, template: str) -> str:
        """The name of a new database that is a copy of `template`."""
        name = f"test_{self.uid}_{secrets.token_hex(4)}"
        made_of = f"TEMPLATE {template} STRATEGY FILE_COPY"
        self.execute(f"CREATE DATABASE {name} {made_of}")
        return name

    def drop(self, database: str) -> None:
        """Drop a database, even if it is in use."""
        self.execute(f"DROP DATABASE {database} WITH (FORCE)")


def _quoted(value: object) -> str:
    """As PgBouncer and libpq read it."""
    return "'" + str(value).replace("'", "''") + "'"


def start(project: Project) -> ExitStack:
    """Start the server for a run of the tests; closing the stack stops it."""
    os.environ[UID] = uid = secrets.token_hex(4)
    server = TestServer(project, uid)
    with ExitStack() as stack:
        run_folder().mkdir()
        run_folder().chmod(0o755)
        stack.callback(shutil.rmtree, run_folder())
        if SETUP:
            one_database.prepare(project)
        elif not SERVER_URL:
            stack.enter_context(_serving(server))
        stack.callback(_drop_templates, server)
        return stack.pop_all()


@contextmanager
def _serving(server: TestServer) -> Iterator[None]:
    """Have the server run in a folder of its own."""
    for left in server.folder.parent.glob(server.folder.name[: -len(server.uid)] + "*"):
        embedded.discard(left)
    lend_programs(server.folder)
    try:
        with embedded.serving(server.folder, "postgres", print):
            # No test crashes this server, and databases are created much faster.
            for setting in ("fsync", "full_page_writes"):
                server.execute(f"ALTER SYSTEM SET {setting} = off")
            server.execute("SELECT pg_reload_conf()")
            yield
    finally:
        embedded.discard(server.folder)


def _drop_templates(server: TestServer) -> None:
    for made in run_folder().glob(f"template_*_{server.uid}"):
        server.drop(made.name)
