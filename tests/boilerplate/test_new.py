"""`manage.py new` as its user types it, and whatever may be wrong."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from boilerplate import names
from boilerplate.names import Names
from boilerplate.rendered import project_of
from quart_chassis.errors import UserError
from tests.boilerplate.projects import new, ours, text_of, tree_of

PINNED = {"quart", "jinja2"}
# What git would read on a developer's machine.
NO_SETTINGS = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
IDENTITY = (
    *("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME"),
    *("GIT_COMMITTER_EMAIL", "EMAIL"),
)


def git(folder: Path, *words: str) -> str:
    ran = subprocess.run(
        ["git", *words], cwd=folder, stdout=subprocess.PIPE, text=True, check=True
    )
    return ran.stdout.strip()


def test_a_project_is_made(source: Path, tmp_path: Path) -> None:
    ran = new(source, str(tmp_path / "Corner Shop"))
    assert ran.returncode == 0, ran.stderr
    shop = tmp_path / "Corner Shop"
    commit = git(source, "rev-parse", "HEAD")
    chosen = Names("corner_shop", "corner-shop", "Corner shop")
    assert tree_of(shop) == project_of(ours(), commit, chosen, demo=False)
    assert git(shop, "status", "--porcelain") == ""
    assert git(shop, "log", "--format=%s") == "Begin Corner shop"
    record = tomllib.loads((shop / ".quart-chassis.toml").read_text("utf-8"))
    assert record["commit"] == commit
    assert record["package"] == "corner_shop"
    assert "python3 manage.py run" in ran.stdout
    assert list(tmp_path.iterdir()) == [shop]


def test_every_name_may_be_given(source: Path, tmp_path: Path) -> None:
    words = ("--package", "kiosk", "--title", "Zoë's, no. 1 (open)", "--with-demo")
    (tmp_path / "läden").mkdir()
    ran = new(source, str(tmp_path / "läden" / "новый 店"), *words)
    assert ran.returncode == 0, ran.stderr
    shop = tmp_path / "läden" / "новый 店"
    described = tomllib.loads((shop / "pyproject.toml").read_text("utf-8"))
    assert described["project"]["description"] == "Zoë's, no. 1 (open)"
    assert (shop / "kiosk" / "counter_app").is_dir()


def test_an_empty_folder_is_taken(source: Path, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    assert new(source, str(tmp_path / "shop")).returncode == 0
    assert (tmp_path / "shop" / "manage.py").exists()


def test_without_a_name_in_git_the_first_commit_is_made(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in IDENTITY:
        monkeypatch.delenv(name, raising=False)
    # Git guesses no address from the account and the host.
    guessing = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.useConfigOnly"}
    guessing["GIT_CONFIG_VALUE_0"] = "true"
    ran = new(source, str(tmp_path / "shop"), **NO_SETTINGS, **guessing)
    assert ran.returncode == 0, ran.stderr
    assert git(tmp_path / "shop", "log", "--format=%an") == "Quart Chassis"


def test_in_another_repository_no_second_one_is_made(
    source: Path, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet")
    ran = new(source, str(tmp_path / "shop"))
    assert ran.returncode == 0, ran.stderr
    assert not (tmp_path / "shop" / ".git").exists()
    assert f"part of the git repository in {tmp_path}" in ran.stdout


def test_what_is_not_committed_is_left_out_and_told(
    source: Path, tmp_path: Path
) -> None:
    (source / "stray.txt").write_text("not committed")
    try:
        ran = new(source, str(tmp_path / "shop"))
    finally:
        (source / "stray.txt").unlink()
    assert "not committed here is left out" in ran.stderr
    assert not (tmp_path / "shop" / "stray.txt").exists()


@pytest.mark.parametrize(
    ("made", "directory", "told"),
    [
        ("shop/file", "shop", "is there already"),
        ("shop", "shop", "is there already"),
        ("other/file", "none/shop", "there is no folder"),
    ],
)
def test_a_place_that_is_taken_or_missing_is_named(
    source: Path, tmp_path: Path, made: str, directory: str, told: str
) -> None:
    (tmp_path / made).parent.mkdir(exist_ok=True)
    (tmp_path / made).write_text("theirs")
    before = sorted(tmp_path.rglob("*"))
    ran = new(source, str(tmp_path / directory))
    assert ran.returncode == 1
    assert told in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_a_project_inside_the_boilerplate_is_refused(source: Path) -> None:
    ran = new(source, "shop")
    assert ran.returncode == 1
    assert "inside the boilerplate" in ran.stderr
    assert not (source / "shop").exists()


def test_a_source_without_git_is_told(tmp_path: Path) -> None:
    for name, file in ours().items():
        if name.startswith(("boilerplate/", "quart_chassis/")) or "/" not in name:
            (tmp_path / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "copy" / name).write_bytes(file.data)
    environment = {"GIT_CEILING_DIRECTORIES": str(tmp_path)}
    ran = new(tmp_path / "copy", str(tmp_path / "shop"), **environment)
    assert "is no git repository with a commit" in ran.stderr
    assert not (tmp_path / "shop").exists()


def test_without_git_it_is_told_what_to_install(source: Path, tmp_path: Path) -> None:
    ran = new(source, str(tmp_path / "shop"), PATH=str(tmp_path))
    assert ran.returncode == 1
    assert ran.stderr == ("manage.py: git is not installed; install it and try again\n")


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere"
)
def test_a_closed_folder_is_told(source: Path, tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o555)
    ran = new(source, str(tmp_path / "closed" / "shop"))
    assert ran.returncode == 1
    assert "cannot be written to" in ran.stderr


@pytest.mark.parametrize(
    ("package", "told"),
    [
        ("class", "a keyword of Python"),
        ("match", "a keyword of Python"),
        ("json", "Python's standard library"),
        ("quart", "the dependencies bring"),
        ("quart_chassis", "something else in a project"),
        ("tests", "something else in a project"),
        ("migrations", "something else in a project"),
        ("1shop", "no name for a package"),
        ("corner-shop", "no name for a package"),
        ("Shop", "no name for a package"),
        ("läden", "no name for a package"),
        ("_shop", "no name for a package"),
        ("two__words", "no name for a package"),
        ("shop.py", "no name for a package"),
        ("../shop", "no name for a package"),
        ("", "no name for a package"),
        ("s" * 31, "has 31 characters"),
    ],
)
def test_a_package_that_cannot_be_is_refused(package: str, told: str) -> None:
    with pytest.raises(UserError, match="--package") as refused:
        names.choose(Path("shop"), package, None, PINNED)
    assert told in str(refused.value)


@pytest.mark.parametrize("folder", ["店", "1", "---", "ß"])
def test_a_folder_that_names_no_package_asks_for_one(folder: str) -> None:
    with pytest.raises(UserError, match="choose a name with --package"):
        names.choose(Path(folder), None, None, PINNED)


@pytest.mark.parametrize(
    "title",
    ['"', "a\\b", "a\nb", "<b>", "${x}", "{{ x }}", "-shop", "", " shop", "x" * 61],
)
def test_a_title_that_would_break_a_file_is_refused(title: str) -> None:
    with pytest.raises(UserError, match="--title"):
        names.choose(Path("shop"), "shop", title, PINNED)


def test_titles_stand_in_every_file_as_they_are() -> None:
    title = "Zoë & Co., 'no. 1' (open)!"
    chosen = names.choose(Path("shop"), None, title, PINNED)
    shop = project_of(ours(), "0" * 40, chosen, demo=False)
    described = tomllib.loads(shop["pyproject.toml"].data.decode())
    assert described["tool"]["quart-chassis"]["title"] == title
    assert f"README.md: # {title}\n" in text_of(shop)
