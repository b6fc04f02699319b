"""What an update refuses, before it changes anything."""

import os
import shutil
from pathlib import Path

import pytest

from tests.quart_chassis.updates.tiny import Boilerplate, Repository


def refused(project: Repository, source: Path | str, **environment: str) -> str:
    """The one line that tells why; nothing is changed."""
    state = project.state()
    ended = project.update(source, **environment)
    assert ended.returncode == 1, ended.stdout
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert ended.stdout == ""
    assert project.state() == state
    return ended.stderr


@pytest.fixture
def newer(boilerplate: Boilerplate, project: Repository) -> Path:
    """A newer version, with a file more."""
    boilerplate.write({"my_app/local/page.py": "pass\n"})
    boilerplate.release("0.2.0", "- A page.")
    return boilerplate.folder


def test_a_folder_without_a_record(newer: Path, project: Repository) -> None:
    project.git("rm", "--quiet", ".quart-chassis.toml")
    project.commit()
    assert "only a project that `new` made" in refused(project, newer)


@pytest.mark.parametrize("record", ["version = 1\n", "version =", "\0"])
def test_a_record_that_is_broken(newer: Path, project: Repository, record: str) -> None:
    project.change({".quart-chassis.toml": record})
    assert "git checkout" in refused(project, newer)


def test_no_git(newer: Path, project: Repository, tmp_path: Path) -> None:
    assert "git is not installed" in refused(project, newer, PATH=str(tmp_path))


def test_no_repository(newer: Path, project: Repository) -> None:
    shutil.rmtree(project.folder / ".git")
    ended = project.update(newer)
    assert ended.returncode == 1
    assert "git init" in ended.stderr


def test_no_commit(newer: Path, project: Repository) -> None:
    shutil.rmtree(project.folder / ".git")
    project.start()
    ended = project.update(newer)
    assert ended.returncode == 1
    assert "commit the project first" in ended.stderr


@pytest.mark.parametrize("staged", [True, False])
def test_changes_that_are_not_committed(
    newer: Path, project: Repository, staged: bool
) -> None:
    project.write({"README.md": "Ours.\n"})
    if staged:
        project.git("add", "README.md")
    assert "README.md has changes" in refused(project, newer)


def test_a_dry_run_is_refused_like_an_update(newer: Path, project: Repository) -> None:
    project.write({"README.md": "Ours.\n"})
    ended = project.update(newer, "--dry-run")
    assert ended.returncode == 1
    assert "README.md has changes" in ended.stderr


def test_an_untracked_file_elsewhere_is_no_obstacle(
    newer: Path, project: Repository
) -> None:
    project.write({"notes.txt": "Ours.\n"})
    assert project.update(newer).returncode == 0
    assert project.text("notes.txt") == "Ours.\n"


@pytest.mark.parametrize("what", ["merge", "cherry-pick", "revert", "rebase"])
def test_something_of_git_under_way(
    newer: Path, project: Repository, what: str
) -> None:
    project.git("checkout", "--quiet", "-b", "other")
    project.change({"README.md": "Theirs.\n"})
    project.git("checkout", "--quiet", "main")
    project.change({"README.md": "Ours.\n"})
    project.change({"README.md": "Ours again.\n"})
    other = "main^" if what == "revert" else "other"
    with pytest.raises(Exception, match="exit status"):
        project.git(what, *(["--no-edit"] if what == "revert" else []), other)
    assert f"a {what} is under way" in refused(project, newer)


def test_a_bisect_under_way(newer: Path, project: Repository) -> None:
    project.commit()
    project.git("bisect", "start", "HEAD", "HEAD^")
    assert "git bisect reset" in refused(project, newer)


def test_no_name_for_the_commit(newer: Path, project: Repository) -> None:
    project.git("config", "--unset", "user.name")
    project.git("config", "--unset", "user.email")
    project.git("config", "user.useConfigOnly", "true")
    assert "git config --global user.name" in refused(project, newer)


@pytest.mark.parametrize("name", ["shop/local", "shop/local/page.py"])
def test_an_ignored_file_in_the_way_of_a_new_one(
    newer: Path, project: Repository, name: str
) -> None:
    """Git would overwrite it without a word."""
    project.write({name: "Ours, and nowhere else.\n", ".git/info/exclude": "local\n"})
    assert project.git("status", "--porcelain") == ""
    assert "is in the way" in refused(project, newer)
    assert project.text(name) == "Ours, and nowhere else.\n"


def test_a_dangling_link_in_the_way_of_a_new_file(
    newer: Path, project: Repository
) -> None:
    project.write({".git/info/exclude": "local\n"})
    (project.folder / "shop" / "local").symlink_to("nowhere")
    assert "shop/local is in the way" in refused(project, newer)


def test_a_source_that_is_no_repository(project: Repository, tmp_path: Path) -> None:
    assert "cannot be fetched" in refused(project, tmp_path / "absent")
    assert "cannot be fetched" in refused(project, tmp_path)


def test_a_source_that_is_empty(project: Repository, tmp_path: Path) -> None:
    empty = Repository(tmp_path / "empty")
    empty.start()
    assert "cannot be fetched" in refused(project, empty.folder)


def test_an_address_that_does_not_answer_tells_no_password(
    project: Repository,
) -> None:
    told = refused(project, "http://ann:secret@127.0.0.1:1/x")
    assert "cannot be fetched" in told
    assert "secret" not in told


def test_a_source_that_is_no_boilerplate(
    boilerplate: Boilerplate, project: Repository
) -> None:
    boilerplate.git("rm", "-r", "--quiet", "boilerplate")
    boilerplate.commit()
    assert "no boilerplate" in refused(project, boilerplate.folder)


def test_a_source_of_something_else(project: Repository) -> None:
    assert "does not follow on" in refused(project, project.folder)


def test_a_source_that_is_older_than_the_project(
    newer: Path, project: Repository, boilerplate: Boilerplate
) -> None:
    assert project.update(newer).returncode == 0
    boilerplate.git("reset", "--quiet", "--hard", "HEAD^")
    assert "is older than this project's version 0.2.0" in refused(project, newer)


def test_a_source_whose_history_was_rewritten(
    newer: Path, project: Repository, boilerplate: Boilerplate
) -> None:
    recorded = boilerplate.git("rev-parse", "HEAD^")
    boilerplate.git("checkout", "--quiet", "--orphan", "anew", recorded)
    rewritten = boilerplate.commit("Version 0.1.0, rewritten")
    boilerplate.git("cherry-pick", "main")
    told = refused(project, newer)
    assert "its history was rewritten, write the commit" in told
    project.replace(".quart-chassis.toml", recorded, rewritten)
    project.commit()
    assert project.update(newer).returncode == 0


def test_a_shallow_source(newer: Path, project: Repository, tmp_path: Path) -> None:
    words = ("--quiet", "--depth=1", f"file://{newer}", str(tmp_path / "shallow"))
    project.git("clone", *words)
    assert "git fetch --unshallow" in refused(project, tmp_path / "shallow")


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root gives files away"
)
def test_a_source_of_another_user(newer: Path, project: Repository) -> None:
    os.chown(newer, 65534, 65534)
    os.chown(newer / ".git", 65534, 65534)
    told = refused(project, newer)
    assert f"git config --global --add safe.directory {newer}" in told
    command = told.strip().partition("type git ")[2].split(" ")
    (project.folder.parent / "home").mkdir()
    project.git(*command)
    assert project.update(newer).returncode == 0


def test_a_source_is_found_from_where_the_command_is_typed(
    newer: Path, project: Repository
) -> None:
    assert project.update("../boilerplate").returncode == 0
