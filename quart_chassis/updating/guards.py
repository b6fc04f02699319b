"""What must hold before a project is touched."""

import re
from dataclasses import dataclass
from pathlib import Path

from quart_chassis.errors import UserError
from quart_chassis.updating import git

# What git leaves behind while it waits for its user, and what brings it to an end.
UNDER_WAY = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}
MARK = "quart-chassis-update"


@dataclass(frozen=True)
class Checkout:
    """A project's folder in its git repository: nothing is changed or under way.

    `prefix` is the folder's path in the repository, "" at its root, else it ends with
    a slash. `head` is the commit to go back to. `author` has git's variables for it.
    """

    root: Path
    prefix: str
    head: str
    author: dict[str, str]

    def path(self, name: str) -> Path:
        """Where git keeps a file of its own, such as MERGE_HEAD."""
        return self.root / git.text(self.root, "rev-parse", "--git-path", name)


def checkout(root: Path) -> Checkout:
    """The project in `root`; UserError says what stands in the way of an update."""
    try:
        prefix = git.text(root, "rev-parse", "--show-prefix")
    except git.GitFailed as error:
        raise UserError(
            f"this folder is in no git repository that can be read ({error}); an "
            "update is a commit, so type git init, and commit all files"
        ) from None
    try:
        head = git.text(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except git.GitFailed:
        raise UserError("nothing is committed yet; commit the project first") from None
    found = Checkout(root, prefix, head, _author(root))
    changed = _changed(found)
    _refuse_killed(found, changed)
    _refuse_under_way(found)
    _refuse_changes(found, changed)
    return found


def _author(root: Path) -> dict[str, str]:
    variables: dict[str, str] = {}
    for kind in ("AUTHOR", "COMMITTER"):
        try:
            said = git.text(root, "var", f"GIT_{kind}_IDENT")
        except git.GitFailed:
            said = ""
        match = re.fullmatch(r"(.+) <(.*)> \S+ \S+", said)
        if not match:
            raise UserError(
                "git does not know your name; type git config --global user.name "
                '"Your Name" and git config --global user.email you@example.org'
            )
        variables |= {f"GIT_{kind}_NAME": match[1], f"GIT_{kind}_EMAIL": match[2]}
    return variables


def _refuse_under_way(found: Checkout) -> None:
    for name, what in UNDER_WAY.items():
        if found.path(name).exists():
            raise UserError(
                f"a {what} is under way; end it with git {what} --continue or "
                f"git {what} --abort"
            )
    if found.path("BISECT_LOG").exists():
        raise UserError("a bisect is under way; end it with git bisect reset")


def _changed(found: Checkout) -> list[str]:
    """The tracked files that differ from `head`, anywhere in the repository."""
    words = ("status", "--porcelain", "-z", "--untracked-files=no")
    lines = git.names(found.root, *words, "--ignore-submodules=dirty")
    return [line[3:] for line in lines]


def _refuse_killed(found: Checkout, changed: list[str]) -> None:
    """Tell the way back from what an update that was killed has left."""
    mark = found.path(MARK)
    lock = found.path("index.lock")
    picking = found.path("CHERRY_PICK_HEAD").exists()
    if mark.exists() and (changed or lock.exists() or picking):
        first = f"delete {lock}, then " if lock.exists() else ""
        raise UserError(
            f"an update was killed half-way; {first}type git reset --hard "
            f"{mark.read_text('utf-8').strip()} and delete the new files that git "
            "status shows, if any"
        )


def _refuse_changes(found: Checkout, changed: list[str]) -> None:
    """Refuse anything that going back to `head` would lose."""
    lock = found.path("index.lock")
    if lock.exists():
        raise UserError(
            f"another git is at work ({lock}); wait for it, or delete the file if "
            "there is none"
        )
    if changed:
        raise UserError(
            f"{changed[0]} has changes that are not committed; commit them or git "
            "stash them, and try again"
        )
