"""Have a version of the boilerplate write versions of it under a project's names."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from quart_chassis.updating import git
from quart_chassis.updating.record import Record

PROGRAM = "boilerplate/rendered.py"


class CannotRender(Exception):
    """The renderer failed; the text is the last line it printed."""


@dataclass(frozen=True)
class Renderer:
    """The code of one version, in `files`, for commits in the scratch repository."""

    scratch: Path
    files: Path

    @classmethod
    def of(cls, scratch: Path, commit: str) -> Self:
        """The renderer of the version in `commit`; CannotRender if it has none."""
        files = scratch.parent / commit
        files.mkdir(exist_ok=True)
        words = (f"--work-tree={files}", "checkout", "--force", commit, "--", ".")
        git.run(scratch, f"--git-dir={scratch}", *words)
        if not (files / PROGRAM).exists():
            raise CannotRender(f"it has no {PROGRAM}")
        return cls(scratch, files)

    def render(self, commit: str, record: Record, *, demo: bool) -> str:
        """The tree of a commit's files under the record's names."""
        names = {each: getattr(record, each) for each in ("package", "name", "title")}
        path = self.scratch.parent / "names.json"
        path.write_text(json.dumps(names | {"demo": demo}), "utf-8")
        words = ["-S", "-m", "boilerplate.rendered", str(self.scratch), commit]
        kept = {k: v for k, v in os.environ.items() if k not in git.FOREIGN}
        ran = subprocess.run(
            [sys.executable, *words, str(path)],
            cwd=self.files,
            env={k: v for k, v in kept.items() if not k.startswith("PYTHON")},
            capture_output=True,
            text=True,
            check=False,
        )
        if ran.returncode != 0:
            raise CannotRender(ran.stderr.strip().rpartition("\n")[2])
        return ran.stdout.strip()
