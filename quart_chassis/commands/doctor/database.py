"""What stands in the way of using the configured database."""

import asyncio
import logging
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from quart_chassis.commands import context
from quart_chassis.commands.doctor.findings import Finding, from_error
from quart_chassis.database import engines, migrations, versions
from quart_chassis.database.unavailable import says_unavailable, words_of
from quart_chassis.errors import UserError
from quart_chassis.features import load_settings
from quart_chassis.postgres import carrying, embedded, programs
from quart_chassis.postgres.cluster import Cluster
from quart_chassis.project import Project
from quart_chassis.settings import Settings

# A new database takes 40 MB, and PostgreSQL stops where it cannot write.
LEAST_FREE_BYTES = 100 * 2**20


def database(project: Project) -> Iterator[Finding]:
    """Whether the database is there, and has this code's tables.

    The development database is started for that, but not made.
    """
    chosen = load_settings(project)
    if chosen.embedded:
        folder = embedded.folder_of(project)
        found = list(obstacles(folder))
        yield from found
        if found or not (folder / "cluster" / "data").exists():
            return
    with context.database(chosen):
        yield from asyncio.run(_seen_from_inside(chosen))


def obstacles(folder: Path) -> Iterator[Finding]:
    """Why the development database in `folder` cannot be started as it is.

    UserError if PostgreSQL is not here, or not the one that made the data.
    """
    binaries = programs.find()
    here = programs.version(binaries)
    place = folder if folder.exists() else folder.parent
    if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(
            f"the database is kept in {folder}, and you may not write to {place}",
            "go on as the user who made it, open it, or set DATABASE_URL",
        )
        return
    free = shutil.disk_usage(place).free
    if free < LEAST_FREE_BYTES:
        yield Finding(
            f"the disk of {place} has {free // 2**20} MB left", "free some space on it"
        )
    cluster = Cluster(folder / "cluster", binaries)
    made_by = cluster.made_by()
    if made_by and made_by != here:
        carrying.old_programs(cluster, made_by)
        yield Finding(
            f"{folder} was made by PostgreSQL {made_by}, and this is {here}",
            "python3 manage.py run carries it over",
            stops=False,
        )


async def _seen_from_inside(chosen: Settings) -> list[Finding]:
    await versions.refuse_older(chosen)
    found = [*_any_host(chosen), *await _standbys(chosen)]
    try:
        await migrations.check_schema(chosen)
    except migrations.OlderSchema as error:
        # Elsewhere than in production, `run` migrates.
        return [*found, from_error(error, stops=chosen.production)]
    return found if chosen.production else [*found, *await _forgotten(chosen)]


def _any_host(chosen: Settings) -> Iterator[Finding]:
    """Several hosts of which a standby would do; the application writes."""
    several = "," in chosen.database_host
    if several and "target_session_attrs" not in chosen.DATABASE_URL:
        yield Finding(
            "DATABASE_URL names several hosts and takes any of them, also a standby",
            "end it with target_session_attrs=read-write",
            stops=False,
        )


async def _standbys(chosen: Settings) -> list[Finding]:
    if not chosen.REPLICA_URL:
        return []
    try:
        standby = replace(chosen, DATABASE_URL=chosen.REPLICA_URL)
        (await engines.connect_once(standby)).terminate()
    except Exception as error:
        if not says_unavailable(error):
            raise
        return [
            Finding(
                f"no standby of REPLICA_URL serves ({words_of(error)})",
                "correct it, or see to them; until then the primary answers",
                stops=False,
            )
        ]
    return []


async def _forgotten(chosen: Settings) -> list[Finding]:
    # What migrations do to the database that this takes is nobody's concern.
    said = logging.getLogger("alembic")
    said.setLevel(logging.WARNING)
    try:
        if not await migrations.lacks_migration(chosen):
            return []
    except UserError as error:
        # The user may not make the database that this takes; `run` needs none.
        return [from_error(error, stops=False)]
    finally:
        said.setLevel(logging.NOTSET)
    return [
        Finding(
            "the tables of the code are not what its migrations make",
            'type python3 manage.py makemigration "what changed"',
        )
    ]
