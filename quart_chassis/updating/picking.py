"""Brings the prepared commit into the project, or leaves the project as it was."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quart_chassis.errors import UserError
from quart_chassis.updating import git, guards
from quart_chassis.updating.guards import Checkout
from quart_chassis.updating.preparing import Prepared

PICK = ("cherry-pick", "--allow-empty", "--keep-redundant-commits")


def refuse_hidden(here: Checkout, added: list[str]) -> None:
    """Raise UserError if a new file would overwrite one that git does not keep.

    Git overwrites ignored files without a word.
    """
    tracked = {*git.names(here.root, "ls-files", "-z", "--", ".")}
    for path in added:
        for part in (path, *map(str, Path(path).parents)):
            way = here.root / part
            if part in tracked or not os.path.lexists(way):
                continue
            if part == path or way.is_symlink() or not way.is_dir():
                raise UserError(
                    f"{part} is in the way of a new file of that name, and git does "
                    "not keep it; move it away and try again"
                )


def pick(here: Checkout, prepared: Prepared) -> list[str]:
    """The files with conflicts; none if the project has the commit.

    UserError if git refuses it for another reason; the project is then as it was, as
    it is after a signal.
    """
    if guards.checkout(here.root) != here:
        raise UserError("the project was changed meanwhile; type the command again")
    mark = here.path(guards.MARK)
    with _signals_wait() as came:
        mark.write_text(f"{here.head}\n", "utf-8")
        reason = _try(here, prepared)
        conflicts = _conflicts(here) if reason else []
        if came or (reason and not conflicts):
            git.run(here.root, "reset", "--quiet", "--hard", here.head, apart=True)
        mark.unlink()
    if reason and not conflicts:
        raise UserError(
            f"git refused the commit: {reason}; nothing was changed, mend that and try "
            "again"
        )
    return conflicts


def _try(here: Checkout, prepared: Prepared) -> str:
    """Why git stopped; "" if it did not."""
    reference = "refs/heads/update"
    git.run(prepared.scratch, "update-ref", reference, prepared.commit)
    quiet = ("--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
    words = (*PICK, "-X", "ignore-cr-at-eol", prepared.commit)
    try:
        source = (str(prepared.scratch), reference)
        git.run(here.root, "fetch", *quiet, *source, apart=True)
        git.run(here.root, *words, apart=True)
    except git.GitFailed as error:
        return str(error)
    return ""


def _conflicts(here: Checkout) -> list[str]:
    words = ("diff", "--name-only", "--diff-filter=U", "--relative", "-z")
    return git.names(here.root, *words)


@contextmanager
def _signals_wait() -> Iterator[list[int]]:
    """Hold back what ends this process until the block has ended.

    The block sees what came. Git works in a session of its own meanwhile.
    """
    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = [signal.getsignal(number) for number in numbers]
    came: list[int] = []
    try:
        for number in numbers:
            signal.signal(number, lambda one, _: came.append(one))
        yield came
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
        for number in came:
            signal.raise_signal(number)
