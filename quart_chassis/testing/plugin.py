"""A pytest plugin: a fresh database, application and client for each test.

`pytest_plugins = ["quart_chassis.testing.plugin"]` in `tests/conftest.py` turns it on.
The fixture `project` says which application is tested; a folder of tests may override
it.
"""

from quart_chassis.testing import environment  # noqa: F401 - first, see there

import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import pytest
from quart.typing import TestClientProtocol

from quart_chassis.application import Application
from quart_chassis.project import Project
from quart_chassis.testing import databases, one_database, pooler
from quart_chassis.testing.databases import TestServer
from quart_chassis.testing.environment import SETUP
from quart_chassis.testing.postgres import UID, OwnPostgres
from quart_chassis.testing.routes import LOCAL, TOKEN

# So that an assertion that fails shows what it compared.
for name in (
    *("containers", "deployment", "keepalive", "monitoring"),
    *("pages", "policies", "prefixes"),
):
    pytest.register_assert_rewrite(f"quart_chassis.testing.{name}")

STACK = pytest.StashKey[ExitStack]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--all", action="store_true", help="also tests that need containers or minutes"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "slow: needs containers or minutes; runs with --all"
    )
    config.addinivalue_line(
        "markers", "also_pooled: runs a second time, through PgBouncer if it is there"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    has_one = {"app", "database"} & set(metafunc.fixturenames)
    if has_one and metafunc.definition.get_closest_marker("also_pooled"):
        # First, so that the application is made afterwards.
        metafunc.fixturenames.insert(0, "way")
        ways = ["direct", pytest.param("pooled", marks=pooler.THERE)]
        metafunc.parametrize("way", ways, indirect=True)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    if not config.getoption("--all"):
        for item in items:
            if item.get_closest_marker("slow"):
                # Not deselected, so that pytest reports why it did not run.
                item.add_marker(pytest.mark.skip(reason="runs with --all"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print why tests were skipped, in one line."""
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
    )
    told = [f"{reason} ({number})" for reason, number in sorted(reasons.items())]
    if told:
        terminalreporter.write_line(f"Skipped: {', '.join(told)}")


def pytest_sessionstart(session: pytest.Session) -> None:
    """The first process starts the server that all of them use."""
    # Shells and nohup may ignore these signals, and child processes inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    is_worker = hasattr(session.config, "workerinput")
    if not is_worker and not session.config.option.collectonly:
        project = Project.at(session.config.rootpath)
        session.config.stash[STACK] = databases.start(project)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if STACK in session.config.stash:
        session.config.stash[STACK].close()


@pytest.fixture(autouse=True)
def restored_environment() -> Iterator[None]:
    """Restore the environment after each test."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def project(pytestconfig: pytest.Config) -> Project:
    """The project whose application is tested."""
    return Project.at(pytestconfig.rootpath)


@pytest.fixture(scope="session")
def test_server(pytestconfig: pytest.Config) -> TestServer:
    """The PostgreSQL that all tests share."""
    return TestServer(Project.at(pytestconfig.rootpath), os.environ[UID])


@pytest.fixture
def new_database(
    test_server: TestServer, project: Project, pytestconfig: pytest.Config
) -> Iterator[Callable[..., str]]:
    """Make databases, migrated unless a template is named; returns the address."""
    if SETUP:
        is_own = project.root == pytestconfig.rootpath
        with one_database.lent(project if is_own else None) as lend:
            yield lend
        return
    made: list[str] = []

    def make(template: str = "") -> str:
        made.append(test_server.new_database(template or test_server.template(project)))
        return test_server.url(made[-1])

    yield make
    for name in made:
        test_server.drop(name)


@pytest.fixture
def database(new_database: Callable[..., str]) -> str:
    """The address of a fresh database with the current schema."""
    return new_database()


@pytest.fixture
def other_database(new_database: Callable[..., str]) -> str:
    """The address of a second one, as fresh."""
    return new_database()


@pytest.fixture(scope="module")
def module_database(test_server: TestServer, project: Project) -> Iterator[str]:
    """The address of a database that the tests of one module share."""
    one_database.needs_its_own()
    name = test_server.new_database(test_server.template(project))
    yield test_server.url(name)
    test_server.drop(name)


@pytest.fixture
def empty_database(new_database: Callable[..., str]) -> str:
    """The address of a fresh database with nothing in it."""
    return new_database("template0")


@pytest.fixture(scope="session")
def pooler_port(test_server: TestServer) -> Iterator[str]:
    """The port of a pooler in front of all databases that tests get."""
    with pooler.pooling_all(test_server) as port:
        yield port


@pytest.fixture
def way(request: pytest.FixtureRequest) -> None:
    """How applications get to their databases; `also_pooled` marks who has both."""
    if request.param == "pooled":
        os.environ[pooler.PORT] = request.getfixturevalue("pooler_port")


@pytest.fixture
def app(project: Project, database: str) -> Application:
    """The application on a fresh database; it does not serve yet."""
    app: Application = project.create_app(
        **pooler.settings_for(database), ADMIN_TOKEN=TOKEN, **LOCAL
    )
    return app


@pytest.fixture
async def client(app: Application) -> AsyncIterator[TestClientProtocol]:
    """A client of the application, which is serving."""
    async with app.test_app() as serving:
        yield serving.test_client()


@pytest.fixture
async def owner(app: Application, client: TestClientProtocol) -> TestClientProtocol:
    """Another client of the same application, which signed in as the owner."""
    signed_in = app.test_client()
    response = await signed_in.post("/sign-in", form={"token": TOKEN})
    assert response.status_code == 303
    # The next page would say so, and tests look for messages of their own.
    async with signed_in.session_transaction() as session:
        session.pop("_flashes")
    return signed_in


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[OwnPostgres]:
    """A server with passwords; a test may stop it and must start it again."""
    with OwnPostgres() as server:
        yield server
