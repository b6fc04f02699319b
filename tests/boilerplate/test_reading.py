"""Readers of the documents get where the documents lead."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from quart_chassis.postgres import embedded
from quart_chassis.project import Project
from quart_chassis.testing.postgres import OwnPostgres
from quart_chassis.testing.servers import ROOT
from tests.boilerplate.projects import new
from tests.boilerplate.reader import Reader

pytestmark = pytest.mark.slow

VISIT = "curl --silent --fail http://127.0.0.1:5001/"
SERVER = "postgresql://postgres:secret@db.example/postgres"
OWNED = "postgresql://shop:long-and-random@db.example/shop"


@pytest.fixture(params=[["--with-demo"]])
def shop(
    request: pytest.FixtureRequest, source: Path, tmp_path: Path
) -> Iterator[Path]:
    """A project, with the demo unless a test says otherwise; its database goes, too."""
    made = new(source, str(tmp_path / "shop"), *request.param)
    assert made.returncode == 0, made.stderr
    yield tmp_path / "shop"
    shutil.rmtree(embedded.folder_of(Project.at(tmp_path / "shop")), ignore_errors=True)


def document(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_rows_move_from_the_embedded_database_to_a_servers(
    shop: Path,
    tmp_path: Path,
    own_postgres: OwnPostgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tools = os.pathsep.join([str(own_postgres.binaries), os.environ["PATH"]])
    monkeypatch.setenv("PATH", tools)
    server = f"127.0.0.1:{own_postgres.port}"
    instead = {SERVER: own_postgres.url("postgres"), "db.example": server}
    with Reader(shop, tmp_path, instead) as reader:
        reader.follow(f"```sh\npython3 manage.py run\n```\n```sh\n{VISIT}\n```\n")
        assert "Counter: 1" in reader.said
        reader.stop()
        reader.follow(document("docs/growing.md"))
        reader.follow(f"```sh\n{VISIT}\n```\n")
        assert "Counter: 2" in reader.said


@pytest.fixture
def guestbook(source: Path) -> Iterator[Path]:
    """Where the tutorial's reader makes the project; its database goes with it."""
    yield source
    made = source.parent / "guestbook"
    shutil.rmtree(embedded.folder_of(Project.at(made)), ignore_errors=True)
    shutil.rmtree(made)


def test_the_tutorial_leads_to_a_guest_book(guestbook: Path, tmp_path: Path) -> None:
    text, _, ships = document("docs/tutorial.md").partition("## Ship it")
    assert "docker compose" in ships
    with Reader(guestbook, tmp_path) as reader:
        reader.follow(text)


@pytest.mark.parametrize("shop", [[]], indirect=True)
def test_what_agents_are_told_to_type_works(shop: Path, tmp_path: Path) -> None:
    with Reader(shop, tmp_path) as reader:
        reader.follow(document("AGENTS.md"))
