"""Write the migration of what was changed, and run it, as `manage.py` does."""

import os
import subprocess
import sys
from pathlib import Path

from quart_chassis.commands.scaffold.changes import Changes
from quart_chassis.database import revisions
from quart_chassis.errors import UserError
from quart_chassis.project import Project


def migrate(project: Project, changes: Changes, message: str) -> str:
    """The path of the new migration, which was run; UserError if it could not be.

    If the changes are taken back, so is the migration.
    """
    before = revisions.head(project) or "base"
    written = changes.watch(Path(revisions.scripts(project).versions))
    _run(project, "makemigration", message)
    if not written():
        raise UserError("makemigration found nothing to write; see what it says")
    (path,) = written()
    # Does nothing where the migration did not run.
    changes.undo.callback(_run_quietly, project, "migrate", before)
    _run(project, "migrate")
    return path.relative_to(project.root).as_posix()


def _run(project: Project, *words: str) -> None:
    """A command in a process of its own, which reads the changed files."""
    ran = _run_quietly(project, *words)
    if ran.returncode == 0:
        return
    lines = ran.stderr.strip().splitlines() or [f"it ended with {ran.returncode}"]
    if "Traceback" in ran.stderr:
        print(ran.stderr, file=sys.stderr)
    problem = lines[-1].partition("manage.py: ")[2] or lines[-1]
    raise UserError(f"{words[0]} failed, and everything is as it was before: {problem}")


def _run_quietly(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "quart_chassis.commands", *words],
        cwd=project.root,
        env={**os.environ, "LOG_FORMAT": "console"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
