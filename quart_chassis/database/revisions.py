"""List a project's migrations, and run them with Alembic."""

import argparse
import io
import warnings
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError, load_python_file
from sqlalchemy import Connection

from quart_chassis.database import comparing
from quart_chassis.errors import UserError, places
from quart_chassis.project import Project


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


def oldest_first(project: Project) -> list[Script]:
    """Every migration, each after those that it follows."""
    return list(scripts(project).walk_revisions())[::-1]


def unknown(project: Project, current: set[str]) -> list[str]:
    """The revisions of a schema that this code does not have."""
    known = {script.revision for script in scripts(project).walk_revisions()}
    return sorted(current - known)


def move(
    connection: Connection, project: Project, current: set[str], revision: str
) -> None:
    """Run the migrations that lead from `current` to `revision`."""
    configuration = config(project, connection)
    if is_way_back(project, current, revision):
        command.downgrade(configuration, revision)
    else:
        command.upgrade(configuration, revision)


def sql_to(project: Project, current: set[str], revision: str) -> str:
    """The statements that lead from `current` to `revision`."""
    output = io.StringIO()
    configuration = config(project, output=output)
    span = f"{','.join(sorted(current)) or 'base'}:{revision}"
    if is_way_back(project, current, revision):
        command.downgrade(configuration, span, sql=True)
    else:
        command.upgrade(configuration, span, sql=True)
    return output.getvalue()


def run(context: Any) -> None:
    """Run migrations on the connection that `move` or `write` handed over.

    The project's metadata has the tables of every feature; without a feature's tables a
    new migration would drop them.
    """
    attributes = context.config.attributes
    options: dict[str, Any] = {"dialect_name": "postgresql", "literal_binds": True}
    if not context.is_offline_mode():
        options = comparing.options(attributes["connection"])
    context.configure(
        **options,
        target_metadata=attributes["project"].metadata(),
        # Each migration is atomic. One that cannot run inside a transaction
        # (CREATE INDEX CONCURRENTLY) leaves it with
        # op.get_context().autocommit_block().
        transaction_per_migration=True,
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


def _described(project: Project, revision: str) -> str:
    script = scripts(project).get_revision(revision)
    return f"{revision} ({script.doc.rstrip('.')})"


def config(
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
    """The migrations, as Alembic has them; UserError if they do not fit together."""
    found = ScriptDirectory.from_config(config(project))
    folder = Path(found.versions).relative_to(project.root)
    try:
        with warnings.catch_warnings():
            # Of a missing revision and of one in two files; both are told below.
            warnings.simplefilter("ignore")
            known = {Path(script.path) for script in found.walk_revisions()}
    except KeyError as error:
        raise UserError(
            f"a migration follows revision {error.args[0]}, which no file in "
            f"{folder} has; bring that file back, or correct down_revision"
        ) from None
    except CommandError as error:
        raise UserError(f"a file in {folder} is no migration: {error}") from None
    except Exception as error:
        said = error.msg if isinstance(error, SyntaxError) else error
        raise UserError(
            f"{_place(error, Path(found.versions))} cannot be read "
            f"({type(error).__name__}: {said}); correct it"
        ) from error
    for path in sorted(Path(found.versions).glob("*.py")):
        if path.resolve() not in known and path.name != "__init__.py":
            raise _doubled(path, found)
    return found


def _place(error: Exception, folder: Path) -> str:
    """The file in `folder` whose code failed, and the line."""
    for path, line in places(error):
        if path.parent == folder:
            return f"{path.name}, line {line}"
    return str(folder)


def _doubled(path: Path, found: ScriptDirectory) -> UserError:
    """Of two files with one revision Alembic silently takes one."""
    revision = load_python_file(path.parent, path.name).revision
    other = Path(found.get_revision(revision).path)
    names = " and ".join(sorted([path.name, other.name]))
    return UserError(
        f"{names} both have the revision {revision}; delete the one that no other "
        "database has run, and write it again with manage.py makemigration"
    )
