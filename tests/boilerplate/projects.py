"""Projects that the tests make, in memory and in folders."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from boilerplate import repositories, trees
from boilerplate.names import Names
from boilerplate.rendering import File
from quart_chassis.testing.servers import ROOT

SHOP = Names("corner_shop", "corner-shop", "Corner Shop")


@cache
def ours() -> dict[str, File]:
    """The boilerplate's files as they are, committed or not."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    paths = os.fsdecode(listed.stdout).split("\0")[:-1]
    return {
        path: File("100644", (ROOT / path).read_bytes())
        for path in paths
        if (ROOT / path).is_file()
    }


def text_of(files: dict[str, File]) -> str:
    """Every line of the files, behind its path."""
    lines = []
    for path, file in files.items():
        text = file.data.decode("utf-8", "replace")
        lines += [f"{path}: {line}\n" for line in text.splitlines()]
    return "".join(lines)


def commit_of(root: Path) -> Path:
    """A clone of the boilerplate in which everything is committed, as it is now."""
    repositories.make(_copied(root), "As it is")
    return root


def _copied(root: Path) -> Path:
    for name, file in ours().items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(file.data)
    return root


def new(
    source: Path, *words: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """How `manage.py new` ended."""
    return subprocess.run(
        [sys.executable, "-S", "manage.py", "new", *words],
        cwd=source,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def tree_of(project: Path) -> dict[str, File]:
    """What a project has committed."""
    return trees.read(str(project / ".git"), "HEAD")
