"""A boilerplate of a dozen files, and projects made from it; real git throughout."""

import json
import os
import subprocess
import sys
from pathlib import Path

from quart_chassis.testing.servers import ROOT

PYPROJECT = """\
[project]
name = "my-app"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = [
    "base-package >=1",
]

[dependency-groups]
run = []
tracing = []
dev = []

[tool.quart-chassis]
package = "my_app"
"""
PIN = "base-package==1.0 \\\n    --hash=sha256:{}\n    # via my-app (pyproject.toml)\n"
APPLICATION = """\
from my_app import demo_app  # demo
from my_app import home_app

FEATURES = (
    demo_app,  # demo
    home_app,
)
"""
VIEWS = "".join(f"def view_{number}():\n    return {number}\n" for number in range(20))
MIGRATION = 'revision = "{}"\ndown_revision = {}\n'
CHANGELOG = """\
# Changelog

## Unreleased

## 0.1.0

- The first version.
"""
LOCKS = ("app", "run", "tracing", "dev")
FILES = {
    "CHANGELOG.md": CHANGELOG,
    "README.md": "# my-app\n",
    "pyproject.toml": PYPROJECT,
    "settings.toml": "[default]\n# The port.\nPORT = 5001\n",
    ".gitignore": "*.log\n.env\n",
    "my_app/application.py": APPLICATION,
    "my_app/home_app/views.py": VIEWS,
    "my_app/demo_app/__init__.py": "# the demo\n",
    "my_app/demo_app/views.py": VIEWS.replace("view", "demo"),
    "migrations/versions/0001_first.py": MIGRATION.format("0001", None),
    "quart_chassis/engine.txt": "".join(f"part {number}\n" for number in range(20)),
    "docs/guide.md": "".join(f"Step {number}.\n" for number in range(20)),
    **{f"requirements/{name}.txt": PIN.format("0" * 64) for name in LOCKS},
}
SETTINGS = {"user.name": "Ann", "user.email": "ann@example.org", "gc.auto": "0"}


class Repository:
    """A folder with a git repository of its own; `project` is the folder worked in."""

    def __init__(self, folder: Path, project: Path | None = None) -> None:
        self.folder = folder
        self.project = project or folder

    def git(self, *words: str, **environment: str) -> str:
        ran = subprocess.run(
            ["git", *words],
            cwd=self.folder,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return ran.stdout.strip()

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")
        for name, value in SETTINGS.items():
            self.git("config", name, value)

    def write(self, files: dict[str, str]) -> None:
        for name, content in files.items():
            path = self.project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode())

    def commit(self, message: str = "Change") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def change(self, files: dict[str, str]) -> str:
        self.write(files)
        return self.commit()

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace a part of a file that is in it."""
        text = self.text(name)
        assert old in text
        self.write({name: text.replace(old, new)})

    def text(self, name: str) -> str:
        return (self.project / name).read_bytes().decode()

    def has(self, name: str) -> bool:
        return (self.project / name).exists()

    def state(self) -> tuple[str, ...]:
        """All that an update which changes nothing must leave as it is."""
        objects = self.git("count-objects", "-v")
        refs = self.git("for-each-ref") + self.git("rev-parse", "HEAD")
        status = self.git("status", "--porcelain", "--ignored")
        inside = sorted(path.name for path in (self.folder / ".git").iterdir())
        return objects, refs, status, *inside

    def update(
        self, source: Path | str, *options: str, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """How `manage.py update SOURCE` ends, typed in the project."""
        return subprocess.run(
            update_command(source, *options),
            cwd=self.project,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            capture_output=True,
            text=True,
            check=False,
        )


def update_command(source: Path | str, *options: str) -> list[str]:
    words = ("-m", "quart_chassis.commands", "update", str(source), *options)
    return [sys.executable, *words]


class Boilerplate(Repository):
    """The tiny boilerplate."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.start()
        renderer = Path(__file__).with_name("tiny_renderer.py").read_text("utf-8")
        self.write(FILES | {"boilerplate/rendered.py": renderer})
        self.commit("Version 0.1.0")

    def release(self, version: str, news: str) -> str:
        """Commit what was changed as a version with this section in the changelog."""
        text = self.text("pyproject.toml").replace(
            self.version(), f'version = "{version}"'
        )
        log = self.text("CHANGELOG.md").replace(
            "## Unreleased\n", f"## Unreleased\n\n## {version}\n\n{news}\n"
        )
        return self.change({"pyproject.toml": text, "CHANGELOG.md": log})

    def version(self) -> str:
        lines = self.text("pyproject.toml").splitlines()
        return next(line for line in lines if line.startswith("version"))

    def new(
        self, repository: Path, inside: str = "", *, demo: bool = True
    ) -> Repository:
        """A project as `new` makes it, in a folder of a repository with one commit."""
        made = Repository(repository, repository / inside)
        made.start()
        names = {"package": "shop", "name": "shop", "title": "Shop", "demo": demo}
        path = self.folder.parent / "names.json"
        path.write_text(json.dumps(names))
        scratch = self.folder.parent / f"{repository.name}.git"
        self.git("clone", "--quiet", "--bare", str(self.folder), str(scratch))
        head = self.git("rev-parse", "HEAD")
        words = ("-m", "boilerplate.rendered", str(scratch), head, str(path))
        tree = subprocess.run(
            [sys.executable, *words],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.strip()
        made.project.mkdir(parents=True, exist_ok=True)
        bare = ("--git-dir", str(scratch), "--work-tree", str(made.project))
        self.git(*bare, "checkout", "--force", tree, "--", ".")
        made.commit("Begin")
        return made
