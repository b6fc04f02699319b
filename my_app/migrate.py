"""Bring the schema to a revision, one process at a time."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum
from functools import cache

from alembic import command
from alembic.config import Config
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from my_app import UserError, db, engines
from my_app.settings import Settings
from my_app.sources import project_root

# Any number will do, as long as no other program on this database uses it.
LOCK = 7_310_571_001
POLL_SECONDS = 0.1


class SchemaState(Enum):
    """The database's schema as this code sees it."""

    OLDER = "older than the code"
    HEAD = "ok"
    NEWER = "newer than the code"


async def schema_state(connection: AsyncConnection) -> SchemaState:
    """Whether the schema has what this code needs."""
    current = await _current(connection)
    if current == _scripts().get_current_head():
        return SchemaState.HEAD
    return SchemaState.OLDER if _knows(current) else SchemaState.NEWER


async def to_revision(settings: Settings, revision: str = "head") -> None:
    """Upgrade or downgrade the schema to `revision`; safe when many do so at once.

    UserError if the schema is newer than this code, the revision is unknown, or the
    database refuses.
    """
    async with _engine(settings) as engine:
        async with engine.connect() as connection:
            current = await _current(connection)
            refuse_newer(current)
            if revision == "head" and current == _scripts().get_current_head():
                return
        async with engine.connect() as holder, engine.connect() as connection:
            await _wait_for_turn(holder)
            current = await _current(holder)
            await _let_go_of_snapshot(holder)
            await connection.run_sync(_move, current, revision)


async def make_migration(settings: Settings, message: str) -> str | None:
    """The path of a new migration from schema to tables, or None if they agree."""
    async with _engine(settings) as engine, engine.connect() as connection:
        if await schema_state(connection) is not SchemaState.HEAD:
            raise UserError("the schema is not at head; run manage.py migrate first")
        return await connection.run_sync(_write_revision, message)


async def check_schema(settings: Settings) -> None:
    """Raise UserError unless the database is there and its schema can serve."""
    async with _engine(settings) as engine, engine.connect() as connection:
        current = await _current(connection)
        refuse_newer(current)
        if current != _scripts().get_current_head():
            raise UserError(
                f"the schema is at revision {current or 'base'}, which is older than "
                "the code; run manage.py migrate"
            )


def refuse_newer(current: str | None) -> None:
    """Raise UserError if the schema is at a revision this code does not know."""
    if not _knows(current):
        raise UserError(
            f"the schema is at revision {current}, which this code does not have; "
            "check out the code that made it, or empty the development database with "
            "manage.py resetdb"
        )


@asynccontextmanager
async def _engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine for migrations; what users can mend leaves as UserError."""
    engine = engines.make_migration_engine(settings)
    try:
        yield engine
    except CommandError as error:
        raise UserError(f"this cannot be migrated: {error}") from None
    except Exception as error:
        if problem := db.problem(error, settings):
            raise problem from None
        if isinstance(error, DBAPIError):
            raise UserError(f"PostgreSQL refused: {db.words_of(error)}") from error
        raise
    finally:
        await engine.dispose()


async def _current(connection: AsyncConnection) -> str | None:
    """The schema's revision; None before the first migration."""
    there = "SELECT to_regclass('alembic_version') IS NOT NULL"
    if not (await connection.execute(text(there))).scalar_one():
        return None
    found = await connection.execute(text("SELECT version_num FROM alembic_version"))
    revisions = found.scalars().all()
    if len(revisions) > 1:
        raise UserError(
            f"alembic_version holds several revisions ({', '.join(revisions)}); leave "
            "the one that the schema is at"
        )
    return revisions[0] if revisions else None


async def _wait_for_turn(connection: AsyncConnection) -> None:
    """Hold the lock in a transaction on `connection`, which the caller ends.

    It is asked for again and again, each time in a transaction of its own: one that
    waits has a snapshot, for which CREATE INDEX CONCURRENTLY in the process ahead would
    wait in turn. The lock belongs to the transaction, because behind a pooler a session
    is nobody's own.
    """
    ask = text("SELECT pg_try_advisory_xact_lock(:lock)").bindparams(lock=LOCK)
    await connection.begin()
    while not (await connection.execute(ask)).scalar_one():
        await connection.rollback()
        await asyncio.sleep(POLL_SECONDS)
        await connection.begin()


async def _let_go_of_snapshot(connection: AsyncConnection) -> None:
    """Go on with the transaction as one that nobody need wait for.

    What was asked last keeps its snapshot (in an unnamed portal: PostgreSQL manual,
    "Extended Query") until something is asked by the simple protocol.
    """
    raw = (await connection.get_raw_connection()).driver_connection
    assert raw is not None
    await raw.execute("SELECT 1")


def _move(connection: Connection, current: str | None, revision: str) -> None:
    config = _config(connection)
    if _is_behind(revision, current):
        command.downgrade(config, revision)
    else:
        command.upgrade(config, revision)


def _is_behind(revision: str, current: str | None) -> bool:
    """Whether the way from `current` to `revision` is a downgrade."""
    if revision == "base" or revision.startswith("-"):
        return True
    if current is None or revision == "head" or revision.startswith("+"):
        return False
    target = _scripts().get_revision(revision).revision
    behind = (each.revision for each in _scripts().iterate_revisions(current, "base"))
    return target != current and target in behind


def _write_revision(connection: Connection, message: str) -> str | None:
    """A file numbered after the last one; none if nothing differs."""

    def skip_empty(
        _context: MigrationContext, _revision: object, directives: list[MigrationScript]
    ) -> None:
        operations = directives[0].upgrade_ops
        if operations is None or operations.is_empty():
            directives.clear()

    taken = [script.revision for script in _scripts().walk_revisions()]
    last = max((int(each) for each in taken if each.isdecimal()), default=0)
    script = command.revision(
        _config(connection),
        message=message,
        autogenerate=True,
        rev_id=f"{last + 1:04}",
        process_revision_directives=skip_empty,
    )
    return script.path if isinstance(script, Script) else None


def _knows(revision: str | None) -> bool:
    known = {script.revision for script in _scripts().walk_revisions()}
    return revision is None or revision in known


def _config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, which stands in pyproject.toml; it prints nothing."""
    return Config(
        toml_file=project_root() / "pyproject.toml",
        attributes={"connection": connection},
        stdout=io.StringIO(),
    )


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
