"""What of the boilerplate is in a project, and under which names."""

import re
import tomllib

import pytest

from boilerplate.edits import EDITS, LEFT_OUT, without
from boilerplate.rendering import CHASSIS, File, demos_of, render
from tests.boilerplate.projects import SHOP, ours, text_of

OURS = re.compile(r"my.?app|quart chassis|boilerplate|app_user", re.IGNORECASE)
PATH = re.compile(r"(?:docs|tests|deploy|monitoring|migrations)/[\w./-]*\.\w+")
EXAMPLE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.fixture(params=[False, True], ids=["plain", "with demo"])
def demo(request: pytest.FixtureRequest) -> bool:
    chosen: bool = request.param
    return chosen


@pytest.fixture
def shop(demo: bool) -> dict[str, File]:
    return render(ours(), SHOP, demo=demo)


def theirs(files: dict[str, File]) -> dict[str, File]:
    return {path: file for path, file in files.items() if not path.startswith(CHASSIS)}


def test_the_chassis_is_as_it_was(shop: dict[str, File]) -> None:
    before = {path: file for path, file in ours().items() if path.startswith(CHASSIS)}
    after = {path: file for path, file in shop.items() if path.startswith(CHASSIS)}
    assert after.pop("quart_chassis/LICENSE") == ours()["LICENSE"]
    assert after == before


def test_nothing_has_our_names(shop: dict[str, File]) -> None:
    found = [line for line in text_of(theirs(shop)).splitlines() if OURS.search(line)]
    assert found == []
    assert not any(OURS.search(path) for path in theirs(shop))


def test_nothing_is_left_of_a_demo_nobody_asked_for() -> None:
    shop = theirs(render(ours(), SHOP, demo=False))
    words = re.compile("|".join(["counter", *demos_of(ours())]), re.IGNORECASE)
    assert not any(words.search(path) for path in shop)
    # A metric may be one, and a document may explain what is.
    names = demos_of(ours())
    lines = text_of(shop).splitlines()
    assert [line for line in lines for name in names if name in line] == []


def test_the_demo_comes_where_it_is_asked_for() -> None:
    shop = render(ours(), SHOP, demo=True)
    assert "corner_shop/counter_app/views.py" in shop
    assert "tests/counter_app/test_api.py" in shop
    application = shop["corner_shop/application.py"].data.decode()
    assert "FEATURES = (counter_app, badge_app, stats_app, home_app)" in application


def test_names_stand_where_they_are_read(shop: dict[str, File]) -> None:
    described = tomllib.loads(shop["pyproject.toml"].data.decode())
    assert described["project"]["name"] == "corner-shop"
    assert described["project"]["version"] == "0.1.0"
    assert described["project"]["scripts"].keys() == {"corner-shop"}
    assert described["tool"]["quart-chassis"] == {
        "package": "corner_shop",
        "title": "Corner Shop",
    }
    settings = tomllib.loads(shop["settings.toml"].data.decode())
    assert settings["default"]["DATABASE_NAME"] == "corner_shop"
    assert settings["default"]["DB_USERNAME"] == "corner_shop_user"
    assert shop["README.md"].data.startswith(b"# Corner Shop\n")
    assert b"alert: CornerShopDown" in shop["monitoring/alerts.yml"].data
    assert "deploy/kubernetes/corner-shop.yml" in shop


def test_every_edit_finds_something() -> None:
    texts = {path: file.data.decode("latin-1") for path, file in ours().items()}
    for edit in (*EDITS, *without(demos_of(ours()))):
        assert re.search(edit.pattern, texts[edit.path], re.MULTILINE), edit
        texts[edit.path] = edit(texts[edit.path])


def test_everything_that_is_left_out_is_there() -> None:
    for path in LEFT_OUT:
        assert any(each.startswith(path) for each in ours()), path


def test_documents_name_files_that_are_there(shop: dict[str, File]) -> None:
    folders = {path.rpartition("/")[0] for path in shop}
    for path, file in theirs(shop).items():
        if not path.endswith(".md"):
            continue
        # A file that an example makes is not there yet.
        text = EXAMPLE.sub("", file.data.decode())
        place = path.rpartition("/")[0]
        for named in PATH.findall(text):
            assert named in shop or named in folders, (path, named)
        for link in LINK.findall(text):
            target = _joined(place, link)
            assert target in shop or target in folders, (path, link)


def _joined(place: str, link: str) -> str:
    parts = place.split("/") if place else []
    for part in link.rstrip("/").split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def test_an_older_version_is_rendered_as_well() -> None:
    """One that lacks what edits look for; the newer version's code renders it."""
    few = ("pyproject.toml", "settings.toml", "my_app/asgi.py")
    older = {path: ours()[path] for path in few}
    older["settings.toml"] = File("100644", b"[default]\n")
    shop = render(older, SHOP, demo=False)
    assert set(shop) == {"pyproject.toml", "settings.toml", "corner_shop/asgi.py"}


def test_what_is_no_text_and_what_runs_are_kept() -> None:
    files = {
        "pyproject.toml": ours()["pyproject.toml"],
        "picture.bin": File("100644", b"\xff\x00my_app"),
        "bin/my_app": File("100755", b"#!/bin/sh\n"),
    }
    shop = render(files, SHOP, demo=False)
    assert shop["picture.bin"] == files["picture.bin"]
    assert shop["bin/corner_shop"].mode == "100755"
