"""A project is made, lived in, and brought up to a newer boilerplate; all for real."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.boilerplate.projects import commit_of
from tests.quart_chassis.updates.tiny import SETTINGS, Repository

START = "home_app/templates/home_app/start.html"
HEADING = "<h1>{{ title }}</h1>"
FEATURE = '''\
"""Orders, and how many there are."""

from quart import Blueprint

from quart_chassis.application import Application

blueprint = Blueprint("orders", __name__)


@blueprint.get("/orders")
async def show() -> dict[str, int]:
    """How many orders there are."""
    return {"orders": 0}


def install(app: Application) -> None:
    """Serve them."""
    app.register_blueprint(blueprint)
'''
FEATURE_TEST = """\
from quart.typing import TestClientProtocol


async def test_orders_are_counted(client: TestClientProtocol) -> None:
    assert await (await client.get("/orders")).get_json() == {"orders": 0}
"""
MIGRATION = '''\
"""Add a note to each counter."""

from collections.abc import Sequence

from alembic import op

revision: str = "{revision}"
down_revision: str | None = "{before}"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.execute("COMMENT ON TABLE counters IS 'Noted by the newer version'")


def downgrade() -> None:
    op.execute("COMMENT ON TABLE counters IS NULL")
'''


def manage(project: Repository, *words: str) -> subprocess.CompletedProcess[str]:
    """How a command ends; nothing of this run of the tests is meant for it."""
    ours = ("PYTEST_", "COV", "QUART_CHASSIS_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=project.folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def succeed(project: Repository, *words: str) -> str:
    ended = manage(project, *words)
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


@pytest.fixture
def boilerplate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """This boilerplate in a repository of its own, to be made newer."""
    for number, (name, value) in enumerate(SETTINGS.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", name)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(SETTINGS)))
    return Repository(commit_of(tmp_path / "boilerplate"))


def live_in(project: Repository) -> None:
    """A changed view, a new feature, changed settings, a package more, a file less."""
    project.replace(f"shop/{START}", HEADING, "<h1>Welcome to us</h1>")
    views = "shop/home_app/views.py"
    project.replace(views, '"""The start page, until', '"""Our start page, until')
    project.write(
        {
            "shop/orders/__init__.py": FEATURE,
            "tests/orders/__init__.py": "",
            "tests/orders/test_orders.py": FEATURE_TEST,
        }
    )
    application = "shop/application.py"
    text = project.text(application).replace("home_app,)", "home_app)")
    project.write({application: text})
    project.replace(application, "FEATURES = (", "FEATURES = (orders, ")
    project.replace(application, "home_app\n", "home_app, orders\n")
    project.replace("settings.toml", "\nDB_POOL_SIZE = 5\n", "\nDB_POOL_SIZE = 4\n")
    project.replace(
        "pyproject.toml", '    "msgspec', '    "itsdangerous >=2",\n    "msgspec'
    )
    (project.folder / ".vscode" / "tasks.json").unlink()
    project.commit("A day's work")


def make_newer(boilerplate: Repository) -> None:
    """A renamed module, a new migration, a changed line where the project's is."""
    boilerplate.git("mv", "quart_chassis/web/asked.py", "quart_chassis/web/wanted.py")
    for path in (boilerplate.folder / "quart_chassis").rglob("*.py"):
        text = path.read_text("utf-8")
        path.write_text(text.replace("web.asked import", "web.wanted import"), "utf-8")
    versions = boilerplate.folder / "migrations" / "versions"
    last = max(path.name for path in versions.glob("*.py")).partition("_")[0]
    migration = MIGRATION.format(revision="9999", before=last)
    boilerplate.write({"migrations/versions/9999_note.py": migration})
    note = 'comment="Noted by the newer version",'
    tables = "my_app/counter_app/tables.py"
    fill = '    postgresql_with={"fillfactor": 50},\n'
    boilerplate.replace(tables, fill, f"{fill}    {note}\n")
    boilerplate.replace(f"my_app/{START}", HEADING, HEADING.replace("h1", "h2"))
    boilerplate.replace(".vscode/tasks.json", "{", "{ ")
    views = "my_app/home_app/views.py"
    boilerplate.replace(views, '"""The environment and', '"""The environment, and')
    text = boilerplate.text("pyproject.toml")
    text = re.sub(r'(?m)^version = ".*"$', 'version = "1000.0.0"', text)
    boilerplate.write({"pyproject.toml": text})
    heading = "## Unreleased\n\n## 1000.0.0\n\n### Your project must\n\n- rejoice.\n"
    boilerplate.replace("CHANGELOG.md", "## Unreleased\n", heading)
    boilerplate.commit("A newer version")


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--with-demo"]], ids=["plain", "with demo"])
def test_a_project_that_is_lived_in_is_updated(
    boilerplate: Repository, tmp_path: Path, options: list[str]
) -> None:
    words = ("../shop", "--package", "shop", "--title", "Corner Shop", *options)
    succeed(boilerplate, "new", *words)
    project = Repository(tmp_path / "shop")
    live_in(project)
    make_newer(boilerplate)
    told = manage(project, "update", "../boilerplate").stdout
    assert f"are left in:\n  shop/{START}\nCorrect them" in told
    assert "- rejoice." in told
    assert project.git("diff", "--name-only", "--diff-filter=U") == f"shop/{START}"
    project.git("checkout", "--ours", f"shop/{START}")
    project.git("add", "--update")
    project.git("cherry-pick", "--continue", GIT_EDITOR="true")
    assert "Welcome to" in project.text(f"shop/{START}")
    assert project.has("quart_chassis/web/wanted.py")
    assert not project.has("quart_chassis/web/asked.py")
    assert not project.has(".vscode/tasks.json")
    assert "itsdangerous" in project.text("pyproject.toml")
    assert project.has("migrations/versions/9999_note.py") == bool(options)
    succeed(project, "check")
    succeed(project, "test")
