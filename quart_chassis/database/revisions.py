"""List, run and write a project's migrations with Alembic."""

import argparse
import io
import re
import textwrap
from functools import cache
from typing import Any, TextIO

from alembic import command
from alembic.config import Config
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic_postgresql_enum import Config as EnumSettings
from alembic_postgresql_enum import set_configuration
from sqlalchemy import Connection

from quart_chassis.database import extensions
from quart_chassis.errors import UserError
from quart_chassis.project import Project

# A line of a docstring, with three quotes before it and a full stop and three after it.
LONGEST_LINE = 80


def head(project: Project) -> str | None:
    """The last revision; None while there is no migration.

    UserError if there are several, because two branches of the code each added one.
    """
    heads = scripts(project).get_heads()
    if len(heads) > 1:
        named = " and ".join(_described(project, each) for each in sorted(heads))
        raise UserError(
            f"the migrations have {len(heads)} heads, {named}; join them with "
            "manage.py mergemigrations"
        )
    return heads[0] if heads else None


def count(project: Project) -> int:
    """The number of migrations."""
    return len(list(scripts(project).walk_revisions()))


def unknown(project: Project, current: set[str]) -> list[str]:
    """The revisions of a schema that this code does not have."""
    known = {script.revision for script in scripts(project).walk_revisions()}
    return sorted(current - known)


def move(
    connection: Connection, project: Project, current: set[str], revision: str
) -> None:
    """Run the migrations that lead from `current` to `revision`."""
    config = _config(project, connection)
    if is_way_back(project, current, revision):
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def sql_to(project: Project, current: set[str], revision: str) -> str:
    """The statements that lead from `current` to `revision`."""
    output = io.StringIO()
    config = _config(project, output=output)
    span = f"{','.join(sorted(current)) or 'base'}:{revision}"
    if is_way_back(project, current, revision):
        command.downgrade(config, span, sql=True)
    else:
        command.upgrade(config, span, sql=True)
    return output.getvalue()


def write(connection: Connection, project: Project, message: str) -> str | None:
    """Write a migration; its path, or None if nothing differs.

    `connection` is to a database with the schema that the migrations make.
    """

    def skip_empty(
        _context: MigrationContext, _revision: object, directives: list[MigrationScript]
    ) -> None:
        operations = directives[0].upgrade_ops
        if operations is None or operations.is_empty():
            directives.clear()

    script = command.revision(
        _config(project, connection),
        message=_plain(message),
        autogenerate=True,
        process_revision_directives=skip_empty,
    )
    return script.path if isinstance(script, Script) else None


def merge(project: Project) -> str | None:
    """Write a migration that joins the heads; its path, or None if there is one."""
    heads = sorted(scripts(project).get_heads())
    if len(heads) < 2:
        return None
    message = f"join {' and '.join(heads)}"
    script = command.merge(_config(project), heads, message=message)
    return script.path if isinstance(script, Script) else None


def run(context: Any) -> None:
    """Run migrations on the connection that `move` or `write` handed over.

    The project's metadata has the tables of every feature; without a feature's tables a
    new migration would drop them.
    """
    attributes = context.config.attributes
    options: dict[str, Any] = {"dialect_name": "postgresql", "literal_binds": True}
    if not context.is_offline_mode():
        others = extensions.objects(attributes["connection"])
        enums = EnumSettings(
            include_name=lambda name: name not in others,
            # PostgreSQL adds a value behind the others, wherever the code has it.
            ignore_enum_values_order=True,
        )
        set_configuration(enums)
        options = {
            "connection": attributes["connection"],
            "include_name": lambda name, kind, _: kind != "table" or name not in others,
        }
    context.configure(
        **options,
        target_metadata=attributes["project"].metadata(),
        # Each migration is atomic. One that cannot run inside a transaction
        # (CREATE INDEX CONCURRENTLY) leaves it with
        # op.get_context().autocommit_block().
        transaction_per_migration=True,
        compare_server_default=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def is_way_back(project: Project, current: set[str], revision: str) -> bool:
    """Whether moving from `current` to `revision` is a downgrade."""
    if revision == "base" or revision.startswith("-"):
        return True
    if not current or revision in {"head", "heads"} or revision.startswith("+"):
        return False
    known = scripts(project)
    target = known.get_revision(revision).revision
    behind = known.iterate_revisions(tuple(current), "base")
    return target not in current and target in {each.revision for each in behind}


def _plain(message: str) -> str:
    """The message as it can stand in a docstring, on lines that are short enough."""
    words = " ".join(message.split()).translate({ord('"'): "'", ord("\\"): "/"})
    shown = "".join(each for each in words if each.isprintable()).rstrip(". ")
    if not re.search(r"\w", shown):
        raise UserError("the message needs a word; say what the migration changes")
    return textwrap.fill(shown, LONGEST_LINE)


def _described(project: Project, revision: str) -> str:
    script = scripts(project).get_revision(revision)
    return f"{revision} ({script.doc.rstrip('.')})"


def _config(
    project: Project,
    connection: Connection | None = None,
    output: TextIO | None = None,
) -> Config:
    """Alembic's configuration from pyproject.toml; it prints SQL to `output` alone."""
    attributes = {"connection": connection, "project": project}
    return Config(
        toml_file=project.root / "pyproject.toml",
        attributes=attributes,
        stdout=io.StringIO(),
        output_buffer=output,
        cmd_opts=argparse.Namespace(quiet=True),
    )


@cache
def scripts(project: Project) -> ScriptDirectory:
    """The migrations, as Alembic has them."""
    return ScriptDirectory.from_config(_config(project))
