"""Write the migration of what was changed, and run it."""

import asyncio
import logging
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from quart_chassis.commands.scaffold.changes import Changes
from quart_chassis.database import migrations, revisions
from quart_chassis.errors import UserError
from quart_chassis.settings import Settings


def migrate(settings: Settings, changes: Changes, message: str) -> str:
    """The path of the new migration, which was run; UserError if it could not be.

    If the changes are taken back, so is the migration.
    """
    project = settings.project
    before = revisions.head(project) or "base"
    written = changes.watch(Path(revisions.scripts(project).versions))
    _make_migration(project.root, message)
    if not (paths := written()):
        raise _failed("makemigration", "it found nothing to write")
    revisions.scripts.cache_clear()
    # Does nothing where the migration did not run.
    changes.undo.callback(_go_back, settings, before)
    # The command itself says what was done.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        asyncio.run(migrations.to_revision(settings))
    except UserError as error:
        raise _failed("migrate", str(error)) from None
    return paths[0].relative_to(project.root).as_posix()


def _make_migration(root: Path, message: str) -> None:
    """In a process of its own, which imports the changed code."""
    ran = subprocess.run(
        [sys.executable, "-m", "quart_chassis.commands", "makemigration", message],
        cwd=root,
        env={**os.environ, "LOG_FORMAT": "console"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode == 0:
        return
    if "Traceback" in ran.stderr:
        print(ran.stderr, file=sys.stderr)
    lines = ran.stderr.strip().splitlines() or [f"it ended with {ran.returncode}"]
    raise _failed("makemigration", lines[-1].removeprefix("manage.py: "))


def _go_back(settings: Settings, revision: str) -> None:
    with suppress(UserError):
        asyncio.run(migrations.to_revision(settings, revision))


def _failed(command: str, problem: str) -> UserError:
    return UserError(f"{command} failed, and everything is as it was before: {problem}")
