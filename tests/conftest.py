"""Fixtures: a fresh database, application and client for each test."""

import asyncio
import os
import secrets
import shutil
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

from my_app import settings

# Before anything reads the environment: tests must not depend on the developer's
# settings, and above all never reach a database of theirs.
SERVER_URL = os.environ.get("TEST_DATABASE_URL", "")
for variable in list(os.environ):
    plain = variable.removesuffix("_FILE")
    if plain in settings.NAMES or variable.startswith("PG"):
        del os.environ[variable]
os.environ["ENV_FOR_DYNACONF"] = "testing"

import asyncpg
import pytest
from quart import Quart
from quart.typing import TestClientProtocol

from my_app import embedded, migrate
from my_app.application import create_app
from my_app.cluster import digest
from my_app.locks import locked
from my_app.sources import project_root
from tests.postgres import (
    UID,
    OwnPostgres,
    lend_programs,
    run_folder,
    scratch,
)

if sys.platform == "win32":
    # About signals, sockets in folders, and accounts, which are other things there.
    collect_ignore = [
        *("test_draining.py", "test_embedded.py", "test_manage.py", "test_run.py"),
        "faults",
    ]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all", action="store_true", help="also tests that take containers or minutes"
    )
    parser.addoption(
        "--faults-minutes", type=float, default=0, help="only mixed faults, for so long"
    )
    parser.addoption("--faults-seed", type=int, help="a run of mixed faults, once more")


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    if config.getoption("--faults-minutes"):
        items[:] = [item for item in items if "test_mixed_faults" in item.name]
    if not config.getoption("--all"):
        # Skipped, not deselected: whoever names a long test is told why it did not run.
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="runs with --all"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell why tests were skipped, in one line."""
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
    )
    told = [f"{reason} ({number})" for reason, number in sorted(reasons.items())]
    if told:
        terminalreporter.write_line(f"Skipped: {', '.join(told)}")


class TestServer:
    """The PostgreSQL the tests share; each run knows its databases by `uid`."""

    def __init__(self, uid: str) -> None:
        self.uid = uid
        checkout = digest(project_root())
        self.folder = scratch() / f"my-app-test-{checkout}-{uid}"
        self.template = f"template_{uid}"

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

    def execute(self, statement: str) -> None:
        """Run one statement outside a transaction, on the server's own database."""

        async def execute() -> None:
            connection = await asyncpg.connect(SERVER_URL or self.url("postgres"))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        asyncio.run(execute())


def _is_worker(session: pytest.Session) -> bool:
    return hasattr(session.config, "workerinput")


def pytest_sessionstart(session: pytest.Session) -> None:
    """The first process starts the server and makes the template all tests copy."""
    # Shells and nohup have programs ignore them, and their programs inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if _is_worker(session) or session.config.option.collectonly:
        return
    os.environ[UID] = uid = secrets.token_hex(4)
    server = TestServer(uid)
    stack = session.config.stash[STACK] = ExitStack()
    run_folder().mkdir()
    run_folder().chmod(0o755)
    stack.callback(shutil.rmtree, run_folder())
    if not SERVER_URL:
        for left in server.folder.parent.glob(server.folder.name[: -len(uid)] + "*"):
            embedded.discard(left)
        lend_programs(server.folder)
        stack.callback(embedded.discard, server.folder)
        stack.enter_context(embedded.serving(server.folder, "postgres", print))
        # No test pulls the plug on this server, and databases are made much faster.
        for setting in ("fsync", "full_page_writes"):
            server.execute(f"ALTER SYSTEM SET {setting} = off")
        server.execute("SELECT pg_reload_conf()")
    server.execute(f"CREATE DATABASE {server.template}")
    stack.callback(server.execute, f"DROP DATABASE {server.template}")
    template = settings.load(DATABASE_URL=server.url(server.template))
    asyncio.run(migrate.to_revision(template))


STACK = pytest.StashKey[ExitStack]()


def pytest_sessionfinish(session: pytest.Session) -> None:
    if STACK in session.config.stash:
        session.config.stash[STACK].close()


@pytest.fixture(autouse=True)
def restored_environment() -> Iterator[None]:
    """What a test or a command changes in the environment ends with it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def test_server() -> TestServer:
    return TestServer(os.environ[UID])


@pytest.fixture
def new_database(test_server: TestServer) -> Iterator[Callable[..., str]]:
    """Make a database, migrated unless `template` says otherwise; its address."""
    made: list[str] = []

    def make(template: str = test_server.template) -> str:
        name = f"test_{test_server.uid}_{secrets.token_hex(4)}"
        made_of = f"TEMPLATE {template} STRATEGY FILE_COPY"
        test_server.execute(f"CREATE DATABASE {name} {made_of}")
        made.append(name)
        return test_server.url(name)

    yield make
    for name in made:
        test_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(new_database: Callable[..., str]) -> str:
    """The address of a fresh database with the current schema."""
    return new_database()


@pytest.fixture
def empty_database(new_database: Callable[..., str]) -> str:
    """The address of a fresh database with nothing in it."""
    return new_database("template0")


@pytest.fixture
def app(database: str) -> Quart:
    return create_app(DATABASE_URL=database)


@pytest.fixture
async def client(app: Quart) -> AsyncIterator[TestClientProtocol]:
    async with app.test_app() as serving:
        yield serving.test_client()


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[OwnPostgres]:
    """A server with passwords that a test may stop, if it starts it again."""
    with OwnPostgres() as server:
        yield server


@pytest.fixture(scope="session")
def seed() -> Path:
    """A folder with a database in it that nobody uses, to be copied.

    The first process that asks makes it for all processes of this run.
    """
    folder = run_folder() / "seed"
    with locked(run_folder() / "seed.lock", lambda: None):
        if not folder.exists():
            lend_programs(folder)
            with embedded.serving(folder, "app", print):
                pass
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the project's files, to be broken; what was compiled goes along."""
    copy = tmp_path / "checkout"
    copy.mkdir()
    for name in ("my_app", "migrations", "requirements"):
        # Bytecode that another process is just writing is gone in a moment.
        ignored = shutil.ignore_patterns("*.pyc.*")
        shutil.copytree(project_root() / name, copy / name, ignore=ignored)
    for name in ("manage.py", "settings.toml", "pyproject.toml"):
        shutil.copy(project_root() / name, copy / name)
    return copy
