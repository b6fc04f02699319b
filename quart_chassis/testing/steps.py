"""One migration done or undone by itself."""

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep
from alembic.script import Script
from sqlalchemy import Connection

from quart_chassis.database import revisions
from quart_chassis.project import Project


def do(connection: Connection, project: Project, script: Script) -> None:
    """Run a migration's `upgrade` alone; those that it follows have run."""
    known = revisions.scripts(project).revision_map
    _run(connection, MigrationStep.upgrade_from_script(known, script))


def undo(connection: Connection, project: Project, script: Script) -> None:
    """Run a migration's `downgrade` alone; those that follow it have not run."""
    known = revisions.scripts(project).revision_map
    _run(connection, MigrationStep.downgrade_from_script(known, script))


def _run(connection: Connection, step: RevisionStep) -> None:
    options = {"fn": lambda *_: [step], "transaction_per_migration": True}
    context = MigrationContext.configure(connection, opts=options)
    with Operations.context(context):
        context.run_migrations()
