"""Bring the schema to a revision, one process at a time."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from quart_chassis.database import (
    drafts,
    engines,
    revisions,
    turns,
    unavailable,
    writing,
)
from quart_chassis.database.writing import Written
from quart_chassis.errors import UserError
from quart_chassis.project import Project
from quart_chassis.settings import Settings


class OlderSchema(UserError):
    """The schema lacks migrations that this code has."""


@dataclass(frozen=True)
class SchemaState:
    """The database's schema, compared with this code.

    `older` if it lacks migrations; `unknown` names revisions that this code does not
    have: a newer release's, or another branch's.
    """

    older: bool = False
    unknown: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.unknown:
            named = ", ".join(self.unknown)
            return f"at revision {named}, which this code does not have"
        return "older than the code" if self.older else "ok"


async def schema_state(connection: AsyncConnection, project: Project) -> SchemaState:
    """How the schema is; UserError if the migrations do not fit together."""
    current = await _current(connection)
    if _is_head(project, current):
        return SchemaState()
    unknown = tuple(revisions.unknown(project, current))
    return SchemaState(older=not unknown, unknown=unknown)


async def to_revision(settings: Settings, revision: str = "head") -> None:
    """Upgrade or downgrade the schema to `revision`; safe in several processes at once.

    UserError if the schema is newer than this code, the code has several heads, the
    revision is unknown, or the database refuses.
    """
    project = settings.project
    async with patient_engine(settings) as engine:
        async with engine.connect() as connection:
            current = await _current(connection)
            refuse_unknown(project, current)
            if revision == "head" and _is_head(project, current):
                return
        async with engine.connect() as holder, engine.connect() as connection:
            await turns.wait_for_turn(holder)
            current = await _current(holder)
            await turns.let_go_of_snapshot(holder)
            await connection.run_sync(revisions.move, project, current, revision)


async def in_turn(settings: Settings, work: Callable[[Connection], None]) -> None:
    """Do `work` while no other process migrates; errors as for `to_revision`."""
    async with (
        patient_engine(settings) as engine,
        engine.connect() as holder,
        engine.connect() as connection,
    ):
        await turns.wait_for_turn(holder)
        await turns.let_go_of_snapshot(holder)
        await connection.run_sync(work)


async def is_way_back(settings: Settings, revision: str) -> bool:
    """Whether the schema is at a later revision than this; errors as `to_revision`."""
    async with patient_engine(settings) as engine, engine.connect() as connection:
        current = await _current(connection)
        refuse_unknown(settings.project, current)
        return revisions.is_way_back(settings.project, current, revision)


async def sql_to(settings: Settings, revision: str) -> str:
    """What `to_revision` would run; errors as there, and nothing is changed."""
    async with patient_engine(settings) as engine:
        async with engine.connect() as connection:
            current = await _current(connection)
        refuse_unknown(settings.project, current)
        if revision == "head" and _is_head(settings.project, current):
            return ""
        return revisions.sql_to(settings.project, current, revision)


async def make_migration(settings: Settings, message: str) -> Written | None:
    """Write a migration from what differs between the tables and the migrations so far.

    None if nothing differs. UserError as for `to_revision`.
    """
    async with patient_engine(settings) as engine, engine.connect() as connection:
        refuse_unknown(settings.project, await _current(connection))
        revisions.head(settings.project)
        async with drafts.at_head(settings) as draft:
            return await draft.run_sync(writing.write, settings.project, message)


async def lacks_migration(settings: Settings) -> bool:
    """Whether `make_migration` would write one; UserError as there."""
    async with patient_engine(settings), drafts.at_head(settings) as draft:
        return await draft.run_sync(writing.differ, settings.project)


async def check_schema(settings: Settings) -> None:
    """Raise UserError unless the database is available and its schema is at head.

    OlderSchema if only migrations are to be run.
    """
    async with patient_engine(settings) as engine, engine.connect() as connection:
        current = await _current(connection)
        refuse_unknown(settings.project, current)
        if not _is_head(settings.project, current):
            raise OlderSchema(
                f"the schema is at revision {_named(current)}, which is older than the "
                "code; run manage.py migrate"
            )


def refuse_unknown(project: Project, current: set[str]) -> None:
    """Raise UserError if the schema is at a revision this code does not know."""
    if unknown := revisions.unknown(project, current):
        raise UserError(
            f"the schema is at revision {', '.join(unknown)}, which this code does not "
            "have; check out the code that made it, or empty the development database "
            "with manage.py resetdb"
        )


def _is_head(project: Project, current: set[str]) -> bool:
    head = revisions.head(project)
    return current == ({head} if head else set())


def _named(current: set[str]) -> str:
    return ", ".join(sorted(current)) or "base"


@asynccontextmanager
async def patient_engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine whose statements may take as long as they need.

    An error that the user can fix becomes a UserError.
    """
    engine = engines.make_migration_engine(settings)
    try:
        yield engine
    except CommandError as error:
        raise UserError(f"this cannot be migrated: {error}") from None
    except Exception as error:
        if problem := unavailable.problem(error, settings):
            raise problem from None
        if isinstance(error, DBAPIError):
            raise UserError(
                f"PostgreSQL refused: {unavailable.words_of(error)}"
            ) from error
        raise
    finally:
        await engine.dispose()


async def _current(connection: AsyncConnection) -> set[str]:
    """The schema's revision; none before the first migration.

    Several while two branches of the migrations have been run and not yet joined.
    """
    there = "SELECT to_regclass('alembic_version') IS NOT NULL"
    if not (await connection.execute(text(there))).scalar_one():
        return set()
    found = await connection.execute(text("SELECT version_num FROM alembic_version"))
    return {str(revision) for revision in found.scalars()}
