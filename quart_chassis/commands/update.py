"""Bring this project up to a newer version of the boilerplate."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from quart_chassis.errors import UserError

if TYPE_CHECKING:
    from quart_chassis.updating.guards import Checkout
    from quart_chassis.updating.preparing import Prepared
    from quart_chassis.updating.record import Record
    from quart_chassis.updating.source import Newer

TOOLS = True
MIGRATIONS = "migrations/versions"


def configure(parser: argparse.ArgumentParser) -> None:
    """Where the newer version is, and whether to change anything."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        type=_absolute,
        help="a git repository with the newer boilerplate: its folder or its address",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="only tell what would change"
    )


def run(arguments: argparse.Namespace) -> int:
    """Merge the newer version in as one commit, and tell what the user has to do.

    The status is 1 if there are conflicts. The chassis is replaced meanwhile, so
    everything is imported before.
    """
    from quart_chassis.updating import guards, picking, preparing, source
    from quart_chassis.updating.record import Record

    root = arguments.project.root
    record = Record.of(root)
    here = guards.checkout(root)
    with preparing.scratch_repository(here) as scratch:
        newer = source.fetch(arguments.source, record, scratch)
        if newer is None:
            print(f"This project is up to date: {record.version}, {record.commit[:12]}")
            return 0
        dry = arguments.dry_run
        prepared = preparing.prepare(here, newer, record, compile_pins=not dry)
        picking.refuse_hidden(here, prepared.added)
        _tell_news(newer, record)
        if dry:
            return _foresee(here, prepared)
        conflicts = picking.pick(here, prepared)
    return _tell_outcome(here, prepared, conflicts)


def _absolute(source: str) -> str:
    """A folder as seen from where the user is; an address as it is."""
    return str(Path(source).resolve()) if Path(source).exists() else source


def _tell_news(newer: "Newer", record: "Record") -> None:
    """What the changelog says since the project's version."""
    from quart_chassis.updating import changes

    print(
        f"From {record.version} ({record.commit[:12]}) to {newer.version} "
        f"({newer.commit[:12]})"
    )
    path = "CHANGELOG.md"
    news = changes.between(newer.read(path, record.commit), newer.read(path))
    print(f"\n{news}\n" if news else "Its changelog says nothing new")


def _foresee(here: "Checkout", prepared: "Prepared") -> int:
    """Tell what the update would change; the status it would end with."""
    from quart_chassis.updating import git, preparing, trees

    try:
        merged, conflicts = preparing.foreseen(here, prepared)
    except git.GitFailed as error:
        raise UserError(
            f"git cannot merge without changing anything ({error}); --dry-run needs "
            "git 2.38 or newer"
        ) from None
    lines = trees.changes(prepared.scratch, here.head, merged, here.prefix)
    _list(f"Would change {len(lines)} files", lines)
    _list("Would leave conflicts in", conflicts)
    if prepared.uncompiled:
        print("Would compile the requirements anew")
    folder = f"{merged}:{here.prefix}{MIGRATIONS}"
    _tell_migrations(trees.texts(prepared.scratch, folder))
    print("Nothing was changed")
    return int(bool(conflicts))


def _tell_outcome(here: "Checkout", prepared: "Prepared", conflicts: list[str]) -> int:
    """What was changed, what is left to do, and how to undo it; the exit status."""
    from quart_chassis.updating import git

    if conflicts:
        _list("Conflicts, like any merge's, are left in", conflicts)
    else:
        print(git.text(here.root, "diff", "--shortstat", here.head, "HEAD").strip())
    if prepared.uncompiled:
        print("The requirements are not compiled yet; type python3 manage.py lock")
    files = sorted((here.root / MIGRATIONS).glob("*.py"))
    _tell_migrations({file.name: file.read_text("utf-8") for file in files})
    if conflicts:
        print("Correct them, then: git add --update; git cherry-pick --continue")
        print("To undo the update: git cherry-pick --abort")
        return 1
    print(f"To undo the update: git reset --hard {here.head}")
    return 0


def _tell_migrations(migrations: dict[str, str]) -> None:
    """Whether they no longer follow on each other: git does not see it."""
    from quart_chassis.updating import heads

    if problem := heads.problem(migrations):
        print(problem)


def _list(title: str, lines: list[str]) -> None:
    if lines:
        print(f"{title}:", *lines, sep="\n  ")
