"""List, run and write a project's migrations with Alembic."""

import io
from functools import cache
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection

from quart_chassis.errors import UserError
from quart_chassis.project import Project


def head(project: Project) -> str | None:
    """The last revision; None while there is no migration."""
    return _scripts(project).get_current_head()


def count(project: Project) -> int:
    """The number of migrations."""
    return len(list(_scripts(project).walk_revisions()))


def knows(project: Project, revision: str | None) -> bool:
    """Whether this code has the revision; True for None, the empty schema."""
    known = {script.revision for script in _scripts(project).walk_revisions()}
    return revision is None or revision in known


def move(
    connection: Connection, project: Project, current: str | None, revision: str
) -> None:
    """Run the migrations that lead from `current` to `revision`."""
    config = _config(project, connection)
    if _is_behind(project, revision, current):
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def write(connection: Connection, project: Project, message: str) -> str | None:
    """Write the next numbered migration; its path, or None if nothing differs."""

    def skip_empty(
        _context: MigrationContext, _revision: object, directives: list[MigrationScript]
    ) -> None:
        operations = directives[0].upgrade_ops
        if operations is None or operations.is_empty():
            directives.clear()

    taken = [script.revision for script in _scripts(project).walk_revisions()]
    last = max((int(each) for each in taken if each.isdecimal()), default=0)
    script = command.revision(
        _config(project, connection),
        message=message,
        autogenerate=True,
        rev_id=f"{last + 1:04}",
        process_revision_directives=skip_empty,
    )
    return script.path if isinstance(script, Script) else None


def run(context: Any) -> None:
    """Run migrations on the connection that `move` handed over.

    A project's `migrations/env.py` calls this with Alembic's `context`. The project's
    metadata has the tables of every feature; without a feature's tables a new migration
    would drop them.
    """
    project: Project | None = context.config.attributes.get("project")
    if project is None:
        raise UserError(
            "alembic alone does not take the lock; use python3 manage.py migrate"
        )
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=project.metadata(),
        # Each migration is atomic. One that cannot run inside a transaction
        # (CREATE INDEX CONCURRENTLY) leaves it with
        # op.get_context().autocommit_block().
        transaction_per_migration=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def _is_behind(project: Project, revision: str, current: str | None) -> bool:
    """Whether moving from `current` to `revision` is a downgrade."""
    if revision == "base" or revision.startswith("-"):
        return True
    if current is None or revision == "head" or revision.startswith("+"):
        return False
    scripts = _scripts(project)
    target = scripts.get_revision(revision).revision
    behind = (each.revision for each in scripts.iterate_revisions(current, "base"))
    return target != current and target in behind


def _config(project: Project, connection: Connection | None = None) -> Config:
    """Alembic's configuration from pyproject.toml; Alembic prints nothing."""
    attributes = {"connection": connection, "project": project}
    return Config(
        toml_file=project.root / "pyproject.toml",
        attributes=attributes,
        stdout=io.StringIO(),
    )


@cache
def _scripts(project: Project) -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(project))
