"""Bring the schema to a revision, one process at a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum

from alembic.util import CommandError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from quart_chassis.database import engines, revisions, turns, unavailable
from quart_chassis.errors import UserError
from quart_chassis.project import Project
from quart_chassis.settings import Settings


class SchemaState(Enum):
    """The database's schema, compared with this code."""

    OLDER = "older than the code"
    HEAD = "ok"
    NEWER = "newer than the code"


async def schema_state(connection: AsyncConnection, project: Project) -> SchemaState:
    """Whether the schema is older than this code, at its head, or newer."""
    current = await _current(connection)
    if current == revisions.head(project):
        return SchemaState.HEAD
    known = revisions.knows(project, current)
    return SchemaState.OLDER if known else SchemaState.NEWER


async def to_revision(settings: Settings, revision: str = "head") -> None:
    """Upgrade or downgrade the schema to `revision`; safe in several processes at once.

    UserError if the schema is newer than this code, the revision is unknown, or the
    database refuses.
    """
    async with _engine(settings) as engine:
        async with engine.connect() as connection:
            current = await _current(connection)
            refuse_newer(settings.project, current)
            if revision == "head" and current == revisions.head(settings.project):
                return
        async with engine.connect() as holder, engine.connect() as connection:
            await turns.wait_for_turn(holder)
            current = await _current(holder)
            await turns.let_go_of_snapshot(holder)
            await connection.run_sync(
                revisions.move, settings.project, current, revision
            )


async def make_migration(settings: Settings, message: str) -> str | None:
    """Write a migration from schema to tables; its path, or None if they agree."""
    async with _engine(settings) as engine, engine.connect() as connection:
        if await schema_state(connection, settings.project) is not SchemaState.HEAD:
            raise UserError("the schema is not at head; run manage.py migrate first")
        return await connection.run_sync(revisions.write, settings.project, message)


async def check_schema(settings: Settings) -> None:
    """Raise UserError unless the database is available and its schema is at head."""
    async with _engine(settings) as engine, engine.connect() as connection:
        current = await _current(connection)
        refuse_newer(settings.project, current)
        if current != revisions.head(settings.project):
            raise UserError(
                f"the schema is at revision {current or 'base'}, which is older than "
                "the code; run manage.py migrate"
            )


def refuse_newer(project: Project, current: str | None) -> None:
    """Raise UserError if the schema is at a revision this code does not know."""
    if not revisions.knows(project, current):
        raise UserError(
            f"the schema is at revision {current}, which this code does not have; "
            "check out the code that made it, or empty the development database with "
            "manage.py resetdb"
        )


@asynccontextmanager
async def _engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """An engine for migrations; an error that the user can fix becomes UserError."""
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


async def _current(connection: AsyncConnection) -> str | None:
    """The schema's revision; None before the first migration."""
    there = "SELECT to_regclass('alembic_version') IS NOT NULL"
    if not (await connection.execute(text(there))).scalar_one():
        return None
    found = await connection.execute(text("SELECT version_num FROM alembic_version"))
    revisions = found.scalars().all()
    if len(revisions) > 1:
        raise UserError(
            f"alembic_version holds several revisions ({', '.join(revisions)}); delete "
            "all but the one that the schema is at"
        )
    return revisions[0] if revisions else None
