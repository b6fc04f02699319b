"""`startapp` and `dropapp` in a project, with a real database."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from quart_chassis.project import Project
from quart_chassis.testing.databases import TestServer
from quart_chassis.testing.schemas import schema_of
from quart_chassis.testing.servers import ROOT
from quart_chassis.testing.waiting import until
from tests.quart_chassis.migrating import execute, revisions_of
from tests.quart_chassis.small_project import command

CONFTEST = """\
pytest_plugins = ["quart_chassis.testing.plugin", "quart_chassis.testing.browser"]
"""
EVERY_TYPE = (
    *("title:text", "quantity:int", "price:numeric", "due:date", "at:datetime"),
    *("paid:bool", "state:enum:new,not-sent", "note:json"),
)


class Shop:
    """A copy of the small project, with tests, on a database of its own."""

    def __init__(self, root: Path, database: str, server: str) -> None:
        self.root = root
        self.database = database
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
            "ENV_FOR_DYNACONF": "development",
            "DATABASE_URL": database,
            "SECRET_KEY": "k" * 32,
            "TEST_DATABASE_URL": server,
        }

    def run(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """How a command ended."""
        return subprocess.run(
            command(*words),
            cwd=self.root,
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, *words: str) -> str:
        """What a command printed that did what it should."""
        ran = self.run(*words)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def refused(self, *words: str, given: str = "") -> str:
        """Why a command did nothing, in one line; all files are as they were."""
        before = self.files()
        ran = self.run(*words, given=given)
        assert ran.returncode == 1
        assert self.files() == before
        (line,) = ran.stderr.splitlines()
        return line.removeprefix("manage.py: ")

    def files(self) -> dict[str, bytes]:
        """The content of each file, but for what tools keep, and each folder."""
        kept = {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            if path.is_file()
            else b""
            for path in self.root.rglob("*")
            if kept.isdisjoint(path.parts)
        }

    def tools(self, *words: str) -> None:
        """Run one of the developer's tools, which must find nothing."""
        ran = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def tests(self, *paths: str) -> None:
        """Run tests of the project."""
        options = ["-q", "-p", "no:schemathesis", "-o", "asyncio_mode=auto"]
        self.tools("pytest", *options, *paths)


@pytest.fixture
def shop(
    checkout: Path, database: str, test_server: TestServer, project: Project
) -> Shop:
    """The small project as a checkout, to be extended."""
    tests = checkout / "tests"
    tests.mkdir()
    (tests / "__init__.py").touch()
    (tests / "conftest.py").write_text(CONFTEST)
    (tests / "test_policies.py").write_text(
        '"""Policies."""\n\nfrom quart_chassis.testing.policies import *\n'
    )
    # The tools' settings of the boilerplate, for this package.
    lines = (ROOT / "pyproject.toml").read_text("utf-8").splitlines(keepends=True)
    kept = "".join(
        each for each in lines if not each.startswith(("demo =", "commands ="))
    )
    own = Project.at(ROOT).package
    settings = kept.replace(own, project.package).replace('"boilerplate", ', "")
    # The small application's imports are sorted as any first party's.
    section = 'application = ["{}"'
    settings = settings.replace(section.format(project.package), section.format(own))
    (checkout / "pyproject.toml").write_text(settings)
    return Shop(checkout, database, test_server.url("postgres"))


def test_a_feature_is_written_and_its_tests_pass(shop: Shop) -> None:
    told = shop.done(
        "startapp", "orders", *EVERY_TYPE, "code:text!", "writer:ref:notes"
    )
    (migration,) = (shop.root / "migrations" / "versions").glob("*_create_orders.py")
    assert told.splitlines() == [
        "Wrote small_app/orders/ and tests/orders/",
        "Added orders to small_app/application.py",
        f"Wrote migrations/versions/{migration.name}, and migrated the database",
        "Everyone may read its pages, and the owner alone may change what is there",
        "Read small_app/orders/tables.py, small_app/orders/queries.py and "
        "small_app/orders/views.py",
        "Type python3 manage.py run, and open http://127.0.0.1:5001/orders",
    ]
    execute(shop.database, "SELECT title, code, writer_id FROM orders")
    shop.tests("tests/orders")


@pytest.mark.slow
def test_what_cannot_be_migrated_leaves_nothing_behind(shop: Shop) -> None:
    execute(shop.database, "CREATE VIEW orders AS SELECT 1")
    schema = schema_of(shop.database)
    told = shop.refused("startapp", "orders", "state:enum:new,sent")
    assert told.startswith("migrate failed, and everything is as it was before: ")
    assert 'relation "orders" already exists' in told
    assert revisions_of(shop.database) == ["0001"]
    assert schema_of(shop.database) == schema


@pytest.mark.slow
@pytest.mark.parametrize(("token", "shown"), [("", 0), ("t" * 16, 1)])
def test_nobody_is_offered_to_change_what_has_no_owner(
    shop: Shop, token: str, shown: int
) -> None:
    shop.done("startapp", "orders")
    shop.environment |= {"ENV_FOR_DYNACONF": "testing", "ADMIN_TOKEN": token}
    asked = "page = await app.test_client().get('/orders')"
    told = "print((await page.get_data(as_text=True)).count('New order'))"
    assert shop.done("shell", "-c", f"{asked}; {told}") == f"{shown}\n"


def test_what_is_interrupted_leaves_nothing_behind(shop: Shop) -> None:
    before = shop.files()
    process = subprocess.Popen(
        command("startapp", "orders"),
        cwd=shop.root,
        env=shop.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until((shop.root / "small_app" / "orders" / "views.py").exists)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert shop.files() == before
    assert revisions_of(shop.database) == ["0001"]


@pytest.mark.slow
def test_an_older_schema_is_migrated(
    shop: Shop, new_database: Callable[..., str]
) -> None:
    shop.environment["DATABASE_URL"] = new_database("template0")
    shop.done("startapp", "orders")


def test_production_is_left_alone(shop: Shop) -> None:
    shop.environment |= {"ENV_FOR_DYNACONF": "production", "SECRET_KEY": "k" * 32}
    assert "not for production" in shop.refused("startapp", "orders")


@pytest.mark.slow
def test_a_feature_is_taken_out_after_asking(shop: Shop) -> None:
    execute(shop.database, "INSERT INTO notes (text) VALUES ('x')")
    (shop.root / "docs" / "notes_app").mkdir(parents=True)
    settings = shop.root / "settings.toml"
    text = settings.read_text()
    begins = "# The longest a note may be"
    settings.write_text(text.replace(begins, f"# --- notes_app ---\n{begins}"))
    assert "nothing was deleted" in shop.refused("dropapp", "notes_app", given="no\n")
    assert "its features are notes_app" in shop.refused("dropapp", "orders")
    ran = shop.run("dropapp", "notes_app", given="notes_app\n")
    assert ran.returncode == 0, ran.stderr
    assert "the table notes with its rows" in ran.stdout
    assert "_drop_notes_app.py, which drops its tables" in ran.stdout
    for folder in ("small_app", "docs"):
        assert not (shop.root / folder / "notes_app").exists()
    application = (shop.root / "small_app" / "application.py").read_text()
    assert "notes_app" not in application
    assert "FEATURES = ()" in application
    assert "LONGEST_NOTE" not in settings.read_text()
    assert "notes" not in schema_of(shop.database)
    assert shop.run("migrate").returncode == 0


@pytest.mark.slow
def test_every_kind_of_feature_works_and_can_be_taken_out(shop: Shop) -> None:
    """Twice, with references forth and back, odd names and APIs."""
    before = shop.files()
    schema = schema_of(shop.database)
    optional = (f"{each}?" for each in EVERY_TYPE if "bool" not in each)
    unique = (f"{each}!" for each in EVERY_TYPE[:5])
    made = {
        "customers": ["name:text"],
        "orders": [*EVERY_TYPE, "customer:ref:customers", "parent:ref:orders?"],
        "order_items": [*optional, "order:ref:orders", "--api"],
        "things": [*unique, "--api"],
        "news": [],
        "x": ["only:bool"],
        "a" * 30: ["note:json?", "--api"],
        "tags": ["select:text", "type:text?", "count:int", "index:int", "--api"],
        "user": [
            *("order:text", "group:text", "user:text", "desc:text!", "table:text?"),
            *("date:date", "from_at:datetime", "hash:text", "limit:int", "--api"),
        ],
        "transfers": [
            "buyer:ref:customers",
            "seller:ref:customers?",
            "item:ref:things",
        ],
    }
    for name, words in made.items():
        shop.done("startapp", name, *words)
    shop.tools("ruff", "check", "small_app", "tests", "migrations")
    shop.tools("ruff", "format", "--check", "small_app", "tests", "migrations")
    shop.tools("mypy")
    shop.tests("tests")
    told = shop.refused("dropapp", "customers", "--yes")
    assert told.startswith("customers is still imported by small_app/orders/queries.py")
    for name in reversed(made):
        shop.done("dropapp", name, "--yes")
    after = shop.files()
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert {str(Path(path).parent) for path in changed} == {"migrations/versions"}
    assert schema_of(shop.database) == schema
    shop.done("startapp", "orders", *EVERY_TYPE)
    shop.tests("tests")
