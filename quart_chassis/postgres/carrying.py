"""Carries a development database over to another major version of PostgreSQL."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from quart_chassis.errors import UserError
from quart_chassis.installation.keeping import forget_programs
from quart_chassis.postgres import programs
from quart_chassis.postgres.cluster import SUPERUSER, Cluster, client_words

# The new data while it is filled, and when it is complete.
UNFINISHED = "carried"
COMPLETE = "data-new"
DUMP = "dump.sql"
# In every dump of roles; the new server has this one already.
EXPECTED = f'role "{SUPERUSER}" already exists'


def carry_over(cluster: Cluster, say: Callable[[str], None]) -> None:
    """Have the data be of the version of the cluster's programs.

    It does nothing if it is. The old data stays in a folder of its own. Nobody may use
    the cluster. UserError if it fails; the data is then as it was.
    """
    data = cluster.folder / "data"
    complete = cluster.folder / COMPLETE
    if complete.exists() and not data.exists():
        # A crash between two renames.
        complete.rename(data)
    made_by = cluster.made_by()
    here = programs.version(cluster.binaries)
    if made_by is None:
        return
    if made_by != here:
        _carry(replace(cluster, binaries=old_programs(cluster, made_by)), cluster, say)
    forget_programs(cluster.folder.parent)


def old_programs(cluster: Cluster, version: int) -> Path:
    """The programs that made the cluster's data; UserError if they are not there."""
    folder = cluster.folder.parent
    if found := programs.of_version(folder, version):
        return found
    raise UserError(
        f"the database in {folder} was made by PostgreSQL {version}, and this is "
        f"PostgreSQL {programs.version(cluster.binaries)}; put the programs of "
        f"PostgreSQL {version} on PATH (pg_ctl, postgres, pg_dumpall) to have the "
        f"data carried over, or delete {folder} to start afresh"
    )


def _carry(old: Cluster, new: Cluster, say: Callable[[str], None]) -> None:
    before, after = (programs.version(each.binaries) for each in (old, new))
    say(f"Carrying the database over from PostgreSQL {before} to {after}")
    # Beside the cluster's folder, where only the server's account may write.
    filled = replace(new, folder=new.folder.parent / UNFINISHED)
    filled.stop()
    shutil.rmtree(filled.folder, ignore_errors=True)
    try:
        filled.start()
        old.start()
        _copy(old, filled)
    finally:
        old.stop()
        filled.stop()
    kept = new.folder / f"data-{before}"
    shutil.rmtree(kept, ignore_errors=True)
    shutil.rmtree(new.folder / COMPLETE, ignore_errors=True)
    (filled.folder / "data").rename(new.folder / COMPLETE)
    (new.folder / "data").rename(kept)
    (new.folder / COMPLETE).rename(new.folder / "data")
    shutil.rmtree(filled.folder)
    say(f"The old data stays in {kept}; delete it when all is well")


def _copy(old: Cluster, new: Cluster) -> None:
    """Copy every role and database.

    The older programs write the dump: its minor version may be the newer one by date,
    and what its server keeps in the catalogues is known to them alone. Every newer
    version reads their dumps; with each name in quotes, whatever it reserves since.
    """
    dumped = programs.run(
        old.binaries / "pg_dumpall",
        *("--quote-all-identifiers", "--file", DUMP, *client_words(old.folder)),
        folder=new.folder,
        owner=new.owner,
    )
    if dumped.returncode != 0:
        raise _failure(old, dumped.stderr)
    restored = programs.run(
        new.binaries / "psql",
        *("--no-psqlrc", "--quiet", "--output", "restored.log", "--file", DUMP),
        *client_words(new.folder),
        folder=new.folder,
        owner=new.owner,
    )
    errors = [
        line
        for line in restored.stderr.splitlines()
        if ("ERROR:" in line and EXPECTED not in line) or "FATAL:" in line
    ]
    if restored.returncode != 0 or errors:
        raise _failure(old, errors[0] if errors else restored.stderr)


def _failure(old: Cluster, output: str) -> UserError:
    reason = output.strip().rpartition("\n")[2]
    return UserError(
        f"the database in {old.folder.parent} cannot be carried over ({reason}); it is "
        "as it was: go back to the older version (git checkout) to use it"
    )
