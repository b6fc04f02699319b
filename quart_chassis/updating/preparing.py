"""Makes the commit that an update is, in a repository beside the user's."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from quart_chassis.errors import UserError
from quart_chassis.updating import git, requirements, sides, trees
from quart_chassis.updating.guards import Checkout
from quart_chassis.updating.record import Record
from quart_chassis.updating.rendering import CannotRender
from quart_chassis.updating.source import Newer


@dataclass(frozen=True)
class Prepared:
    """The update as a commit whose parent is what the project came from.

    `added` are the files it brings. `uncompiled` says that the requirements are still
    to be compiled.
    """

    scratch: Path
    parent: str
    commit: str
    added: list[str]
    uncompiled: bool


@contextmanager
def scratch_repository(here: Checkout) -> Iterator[Path]:
    """A bare repository that sees the project's objects; it is gone after the block.

    Nothing is written to the project until the commit is complete.
    """
    with tempfile.TemporaryDirectory(prefix="quart-chassis-") as name:
        folder = Path(name).resolve()
        scratch = folder / "scratch.git"
        git.run(folder, "init", "--quiet", "--bare", "--template=", str(scratch))
        objects = here.path("objects").resolve()
        alternates = scratch / "objects" / "info" / "alternates"
        alternates.parent.mkdir(exist_ok=True)
        alternates.write_text(f"{objects}\n", "utf-8")
        yield scratch


def prepare(
    here: Checkout, newer: Newer, record: Record, *, compile_pins: bool
) -> Prepared:
    """The update, made for this project; UserError if SOURCE cannot be rendered."""
    scratch = newer.scratch
    head = git.text(here.root, "rev-parse", "HEAD^{tree}")
    ours = git.text(here.root, "rev-parse", f"HEAD:{here.prefix.rstrip('/')}")
    try:
        base, theirs = sides.rendered(newer, record, ours)
    except CannotRender as error:
        raise UserError(
            f"SOURCE cannot write its files under this project's names ({error}); "
            "report this to whoever keeps SOURCE"
        ) from None
    files = trees.read(scratch, ours)
    uncompiled = requirements.settle(scratch, files, base, theirs, compile_pins)
    base = sides.with_line_ends(here.root, scratch, base)
    theirs = sides.with_line_ends(here.root, scratch, theirs)
    parent = _commit(here, scratch, trees.write(scratch, base, head, here.prefix))
    commit = _commit(
        here,
        scratch,
        trees.write(scratch, theirs, head, here.prefix),
        f"Update to Quart Chassis {newer.version}\n\nFrom {record.version} "
        f"({record.commit[:12]}) to {newer.version} ({newer.commit[:12]}).",
        parent,
    )
    added = sorted(theirs.keys() - base.keys() - files.keys())
    return Prepared(scratch, parent, commit, added, uncompiled)


def foreseen(here: Checkout, prepared: Prepared) -> tuple[str, list[str]]:
    """The tree that the merge would make, and the project's files with conflicts.

    GitFailed if this git is older than 2.38.
    """
    head = git.text(here.root, "rev-parse", "HEAD^{tree}")
    ours = _commit(here, prepared.scratch, head, parent=prepared.parent)
    words = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z")
    told = git.names(prepared.scratch, *words, ours, prepared.commit, statuses=(0, 1))
    return told[0], [path.removeprefix(here.prefix) for path in told[1:] if path]


def _commit(
    here: Checkout,
    scratch: Path,
    tree: str,
    message: str = "The version this project came from",
    parent: str = "",
) -> str:
    words = ["commit-tree", tree, "-F", "-", *(["-p", parent] if parent else [])]
    made = git.run(scratch, *words, given=message.encode(), variables=here.author)
    return made.decode().strip()
