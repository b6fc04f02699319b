"""The version has a section in the changelog, and the workflow tags it."""

import re
import subprocess
import textwrap
import tomllib
from pathlib import Path

import pytest

from quart_chassis.testing.servers import ROOT
from tests.quart_chassis.updates.tiny import Repository

VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


def sections() -> dict[str, str]:
    """The text of each section of the changelog, by its heading, the newest first."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def version() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return str(project["version"])


def test_the_version_is_the_newest_in_the_changelog() -> None:
    first, *versions = sections()
    assert first == "Unreleased"
    assert versions[0] == version()


def test_versions_are_semver_and_descend() -> None:
    _, *versions = sections()
    assert all(VERSION.fullmatch(each) for each in versions), versions
    numbers = [tuple(map(int, each.split("."))) for each in versions]
    assert numbers == sorted(set(numbers), reverse=True)


def test_every_section_says_first_what_a_project_must_do() -> None:
    for name, text in sections().items():
        assert text.strip().startswith("### Your project must\n\n- "), name


PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def test_the_workflows_use_actions_by_commit() -> None:
    """A tag can be moved to other code."""
    used = [
        line.partition("uses: ")[2]
        for folder in (ROOT, ROOT / "boilerplate/files")
        for file in (folder / ".github/workflows").glob("*.yml")
        for line in file.read_text("utf-8").splitlines()
        if "uses: " in line
    ]
    assert len(used) > 10
    assert [each for each in used if not PINNED.fullmatch(each)] == []


@pytest.fixture
def main(tmp_path: Path) -> Repository:
    """A clone of a repository whose pyproject.toml says 0.2.0."""
    origin = Repository(tmp_path / "origin")
    origin.start()
    origin.change({"pyproject.toml": '[project]\nversion = "0.2.0"\n'})
    origin.git("clone", "--quiet", str(origin.folder), str(tmp_path / "main"))
    clone = Repository(tmp_path / "main")
    clone.start()
    return clone


def tag(main: Repository) -> int:
    """The status of what the workflow runs."""
    workflow = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    script = textwrap.dedent(workflow.partition("run: |\n")[2])
    words = ("bash", "-e", "-o", "pipefail", "-c", script)
    return subprocess.run(words, cwd=main.folder, check=False).returncode


def tags(main: Repository) -> list[str]:
    return main.git("ls-remote", "--tags", "origin").split()[1::2]


def test_a_version_without_a_section_is_not_tagged(main: Repository) -> None:
    main.write({"CHANGELOG.md": "# Changelog\n\n## 0.2.01\n## 0a2.0\n"})
    assert tag(main) == 1
    assert tags(main) == []


def test_a_new_version_is_tagged_once(main: Repository) -> None:
    main.write({"CHANGELOG.md": "# Changelog\n\n## 0.2.0\n"})
    assert tag(main) == 0
    assert tags(main) == ["refs/tags/v0.2.0"]
    main.git("commit", "--quiet", "--allow-empty", "-m", "Later")
    assert tag(main) == 0
    assert tags(main) == ["refs/tags/v0.2.0"]
