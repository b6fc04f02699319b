"""What an update brings, and what it leaves alone."""

from pathlib import Path

from quart_chassis.updating import changes
from tests.quart_chassis.updates.tiny import VIEWS, Boilerplate, Repository


def newer_views(boilerplate: Boilerplate) -> str:
    """A release that changes the last view, and has a file more."""
    boilerplate.replace("my_app/home_app/views.py", "return 19", "return 1900")
    boilerplate.write({"my_app/home_app/more.py": "my_app = 1\n"})
    return boilerplate.release("0.2.0", "- Views return more.")


def test_an_update_is_one_commit_that_keeps_what_the_project_changed(
    boilerplate: Boilerplate, project: Repository
) -> None:
    project.replace("shop/home_app/views.py", "return 0", "return 'ours'")
    before = project.commit()
    newer = newer_views(boilerplate)
    ended = project.update(boilerplate.folder)
    assert ended.returncode == 0, ended.stderr
    views = VIEWS.replace("return 0", "return 'ours'").replace(
        "return 19", "return 1900"
    )
    assert project.text("shop/home_app/views.py") == views
    assert project.text("shop/home_app/more.py") == "shop = 1\n"
    assert newer in project.text(".quart-chassis.toml")
    assert project.git("log", "-1", "--format=%P %an %s") == (
        f"{before} Ann Update to Quart Chassis 0.2.0"
    )
    assert project.git("status", "--porcelain") == ""
    assert len(project.git("for-each-ref").splitlines()) == 1
    assert f"git reset --hard {before}" in ended.stdout


def test_a_dry_run_tells_the_same_and_changes_nothing(
    boilerplate: Boilerplate, project: Repository
) -> None:
    newer_views(boilerplate)
    project.replace("shop/home_app/views.py", "return 19", "return 'ours'")
    project.commit()
    state = project.state()
    ended = project.update(boilerplate.folder, "--dry-run")
    assert ended.returncode == 1, ended.stderr
    assert "- Views return more." in ended.stdout
    assert "Would leave conflicts in:\n  shop/home_app/views.py" in ended.stdout
    assert "  A shop/home_app/more.py\n" in ended.stdout
    assert project.state() == state


def test_a_conflict_is_like_any_merges(
    boilerplate: Boilerplate, project: Repository
) -> None:
    newer = newer_views(boilerplate)
    project.replace("shop/home_app/views.py", "return 19", "return 'ours'")
    before = project.commit()
    ended = project.update(boilerplate.folder)
    assert ended.returncode == 1, ended.stderr
    assert "git cherry-pick --continue" in ended.stdout
    assert project.git("status", "--porcelain", "shop").split("\n") == [
        "A  shop/home_app/more.py",
        "UU shop/home_app/views.py",
    ]
    assert "<<<<<<<" in project.text("shop/home_app/views.py")
    again = project.update(boilerplate.folder)
    assert "git cherry-pick --abort" in again.stderr
    project.git("checkout", "--ours", "shop/home_app/views.py")
    project.git("add", "--update")
    project.git("cherry-pick", "--continue", GIT_EDITOR="true")
    assert project.git("rev-parse", "HEAD^") == before
    assert newer in project.text(".quart-chassis.toml")
    assert "up to date" in project.update(boilerplate.folder).stdout


def test_a_conflict_is_undone_by_the_printed_command(
    boilerplate: Boilerplate, project: Repository
) -> None:
    newer_views(boilerplate)
    project.replace("shop/home_app/views.py", "return 19", "return 'ours'")
    before = project.commit()
    ended = project.update(boilerplate.folder)
    assert "git cherry-pick --abort" in ended.stdout
    project.git("cherry-pick", "--abort")
    assert project.git("status", "--porcelain") == ""
    assert project.git("rev-parse", "HEAD") == before


def test_nothing_newer_is_told_and_is_no_failure(
    boilerplate: Boilerplate, project: Repository
) -> None:
    state = project.state()
    ended = project.update(boilerplate.folder)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "up to date" in ended.stdout
    assert project.state() == state


def test_the_changelog_is_told_from_the_projects_version_on(
    boilerplate: Boilerplate, project: Repository
) -> None:
    boilerplate.release("0.2.0", "### Your project must\n\n- Rename a\n  setting.")
    boilerplate.release("0.3.0", "- A third.")
    ended = project.update(boilerplate.folder)
    assert (
        "## 0.3.0\n- A third.\n## 0.2.0\n### Your project must\n- Rename a\n  setting."
    ) in ended.stdout
    assert "The first version" not in ended.stdout
    boilerplate.release("0.4.0", "- A fourth.")
    ended = project.update(boilerplate.folder)
    assert "## 0.4.0\n- A fourth." in ended.stdout
    assert "0.3.0\n" not in ended.stdout


def test_a_colleagues_fresh_clone_is_updated(
    boilerplate: Boilerplate, project: Repository, tmp_path: Path
) -> None:
    newer_views(boilerplate)
    clone = Repository(tmp_path / "clone")
    project.git("clone", "--quiet", "--depth=1", f"file://{project.folder}", "../clone")
    clone.start()
    ended = clone.update(boilerplate.folder)
    assert ended.returncode == 0, ended.stderr
    assert clone.has("shop/home_app/more.py")


def test_an_update_after_a_squash_merge_and_lost_history(
    boilerplate: Boilerplate, project: Repository
) -> None:
    newer_views(boilerplate)
    project.git("checkout", "--quiet", "-b", "update")
    assert project.update(boilerplate.folder).returncode == 0
    project.git("checkout", "--quiet", "--orphan", "anew")
    project.commit("All in one")
    project.git("branch", "-D", "main", "update")
    boilerplate.replace("my_app/home_app/views.py", "return 10", "return 1000")
    boilerplate.release("0.3.0", "- More.")
    ended = project.update(boilerplate.folder)
    assert ended.returncode == 0, ended.stdout
    assert "return 1000" in project.text("shop/home_app/views.py")


def test_a_project_in_a_folder_of_a_repository(
    boilerplate: Boilerplate, tmp_path: Path
) -> None:
    project = boilerplate.new(tmp_path / "all", "apps/shop ä")
    (project.folder / "shop").mkdir()
    (project.folder / "shop" / "home_app").write_text("somebody else's")
    project.replace("docs/guide.md", "Step 0.", "Ours.")
    project.commit()
    newer_views(boilerplate)
    boilerplate.git("mv", "docs/guide.md", "docs/manual.md")
    boilerplate.release("0.3.0", "- Moved.")
    ended = project.update(boilerplate.folder)
    assert ended.returncode == 0, ended.stderr
    assert project.has("shop/home_app/more.py")
    assert project.text("docs/manual.md").startswith("Ours.")
    assert (project.folder / "shop" / "home_app").read_text() == "somebody else's"
    assert project.git("status", "--porcelain") == ""


def test_what_was_deleted_does_not_come_back_also_under_a_new_name(
    boilerplate: Boilerplate, project: Repository
) -> None:
    project.git("rm", "-r", "--quiet", "docs", "quart_chassis/engine.txt")
    project.commit()
    boilerplate.replace("docs/guide.md", "Step 0.", "Step zero.")
    boilerplate.git("mv", "docs/guide.md", "docs/manual.md")
    boilerplate.write({"docs/another.md": "New.\n"})
    boilerplate.replace("quart_chassis/engine.txt", "part 0", "part zero")
    newer_views(boilerplate)
    ended = project.update(boilerplate.folder)
    assert ended.returncode == 0, ended.stdout
    assert not project.has("docs")
    assert not project.has("quart_chassis")
    assert project.has("shop/home_app/more.py")


def test_one_deleted_file_of_a_folder_does_not_come_back_under_a_new_name(
    boilerplate: Boilerplate, project: Repository
) -> None:
    project.git("rm", "--quiet", "shop/home_app/views.py")
    project.write({"shop/home_app/ours.py": "pass\n"})
    project.commit()
    boilerplate.git("mv", "my_app/home_app/views.py", "my_app/home_app/pages.py")
    boilerplate.replace("my_app/home_app/pages.py", "return 19", "return 1900")
    boilerplate.release("0.2.0", "- Moved.")
    ended = project.update(boilerplate.folder)
    assert ended.returncode == 0, ended.stdout
    assert not project.has("shop/home_app/views.py")
    assert not project.has("shop/home_app/pages.py")


def test_a_file_that_was_moved_gets_what_is_new_in_it(
    boilerplate: Boilerplate, project: Repository
) -> None:
    project.git("mv", "shop/home_app/views.py", "shop/pages.py")
    project.commit()
    boilerplate.replace("my_app/home_app/views.py", "return 19", "return 1900")
    boilerplate.release("0.2.0", "- Views return more.")
    ended = project.update(boilerplate.folder)
    assert ended.returncode == 0, ended.stdout
    assert "return 1900" in project.text("shop/pages.py")
    assert not project.has("shop/home_app/views.py")


def test_a_demo_that_was_taken_out_stays_out(
    boilerplate: Boilerplate, project: Repository
) -> None:
    project.git("mv", "shop/demo_app", "shop/own_app")
    project.replace("shop/own_app/views.py", "return 0", "return 'ours'")
    project.replace("shop/application.py", "from shop import demo_app  # demo\n", "")
    project.replace("shop/application.py", "    demo_app,  # demo\n", "")
    project.commit()
    boilerplate.replace("my_app/demo_app/views.py", "return 19", "return 1900")
    boilerplate.write({"my_app/demo_app/chart.py": "new\n"})
    boilerplate.replace("my_app/application.py", "demo_app,", "demo_app, # new")
    newer_views(boilerplate)
    ended = project.update(boilerplate.folder)
    assert ended.returncode == 0, ended.stdout
    assert not project.has("shop/demo_app")
    assert "1900" not in project.text("shop/own_app/views.py")
    assert "demo_app" not in project.text("shop/application.py")
    assert "demo = false" in project.text(".quart-chassis.toml")


def test_a_project_made_without_the_demo_gets_none(
    boilerplate: Boilerplate, tmp_path: Path
) -> None:
    project = boilerplate.new(tmp_path / "plain", demo=False)
    boilerplate.replace("my_app/demo_app/views.py", "return 19", "return 1900")
    newer_views(boilerplate)
    assert project.update(boilerplate.folder).returncode == 0
    assert not project.has("shop/demo_app")


def test_a_project_with_windows_line_ends_has_no_conflict(
    boilerplate: Boilerplate, project: Repository
) -> None:
    for name in ("shop/home_app/views.py", "docs/guide.md", ".quart-chassis.toml"):
        project.write({name: project.text(name).replace("\n", "\r\n")})
    project.replace("shop/home_app/views.py", "return 0", "return 'ours'")
    project.commit()
    newer_views(boilerplate)
    assert "conflicts" not in project.update(boilerplate.folder, "--dry-run").stdout
    ended = project.update(boilerplate.folder)
    assert ended.returncode == 0, ended.stdout
    expected = VIEWS.replace("return 0", "return 'ours'").replace(
        "return 19", "return 1900"
    )
    assert project.text("shop/home_app/views.py") == expected.replace("\n", "\r\n")


def test_two_migrations_after_one_are_told_with_the_remedy(
    boilerplate: Boilerplate, project: Repository
) -> None:
    revision = 'revision = "{}"\ndown_revision: str = "0001"\n'
    project.change({"migrations/versions/0002_ours.py": revision.format("a1b2")})
    boilerplate.write({"migrations/versions/0002_theirs.py": revision.format("c3d4")})
    boilerplate.release("0.2.0", "- A migration.")
    for options in (["--dry-run"], []):
        ended = project.update(boilerplate.folder, *options)
        assert ended.returncode == 0, ended.stderr
        assert "2 heads: a1b2, c3d4; type python3 manage.py mergemigrations" in (
            ended.stdout
        )


def test_two_migrations_with_one_number_are_told(
    boilerplate: Boilerplate, project: Repository
) -> None:
    revision = 'revision = "0002"\ndown_revision = "0001"\n'
    project.change({"migrations/versions/0002_ours.py": revision})
    boilerplate.write({"migrations/versions/0002_theirs.py": revision})
    boilerplate.release("0.2.0", "- A migration.")
    ended = project.update(boilerplate.folder)
    assert "one revision: 0002_ours.py and 0002_theirs.py" in ended.stdout


def test_a_file_that_only_the_newer_code_gives_to_projects_is_no_deleted_one(
    boilerplate: Boilerplate, tmp_path: Path
) -> None:
    project = boilerplate.new(tmp_path / "plain", demo=False)
    boilerplate.replace("boilerplate/rendered.py", ', "CHANGELOG.md")', ",)")
    project.git("rm", "--quiet", "docs/guide.md")
    project.commit()
    boilerplate.release("0.2.0", "- The changelog comes along.")
    ended = project.update(boilerplate.folder)
    assert ended.returncode == 0, ended.stderr
    assert "comes along" in project.text("CHANGELOG.md")


def test_a_renderer_that_fails_is_told(
    boilerplate: Boilerplate, project: Repository
) -> None:
    boilerplate.write({"boilerplate/rendered.py": "raise SystemExit('not today')\n"})
    boilerplate.release("0.2.0", "- Broken.")
    state = project.state()
    ended = project.update(boilerplate.folder)
    assert ended.returncode == 1
    assert "names (not today); report this" in ended.stderr
    assert project.state() == state


def test_what_a_section_says_again_is_told_again() -> None:
    older = "# Log\n\n## Unreleased\n\n- new\n\n## 1.0.0\n\n- migrate\n"
    newer = (
        "# Log\n\nWords.\n\n## 1.1.0\n\n### Must\n\n- migrate\n\n### New\n- new\n"
        + (older.partition("- new\n")[2])
    )
    assert changes.between(older, newer) == "## 1.1.0\n### Must\n- migrate"
    assert changes.between(newer, newer) == ""
