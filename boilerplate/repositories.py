"""The boilerplate's git repository, and that of a new project."""

import os
import subprocess
from pathlib import Path

from quart_chassis.errors import UserError

# Who makes the first commit where git does not know the user's name.
NOBODY = {"name": "Quart Chassis", "email": "quart-chassis@localhost"}
# Nothing of the user's settings keeps the first commit from being made, or changes it.
PLAIN = (
    *(
        "-c",
        "core.autocrlf=false",
        "-c",
        "core.hooksPath=",
        "-c",
        "commit.gpgSign=false",
    ),
)


def head(root: Path) -> str:
    """The commit that a project is made from; UserError if there is none."""
    try:
        return _git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except subprocess.CalledProcessError:
        raise UserError(
            f"{root} is no git repository with a commit; a project is made of what git "
            "tracks, so clone the boilerplate with git"
        ) from None


def folder(root: Path) -> Path:
    """Where git keeps the repository of `root`."""
    return root / _git(root, "rev-parse", "--git-common-dir")


def is_changed(root: Path) -> bool:
    """Whether something is not committed."""
    return bool(_git(root, "status", "--porcelain"))


def around(path: Path) -> str | None:
    """The repository that a folder is in; None if it is in none."""
    try:
        return _git(path, "rev-parse", "--show-toplevel")
    except subprocess.CalledProcessError:
        return None


def make(path: Path, message: str) -> None:
    """Make a folder a repository with one commit."""
    try:
        _git(path, "init", "--quiet", "--template=", "--initial-branch=main")
        _git(path, *PLAIN, "add", "--all")
        words = [*PLAIN, *_identity(path), "commit", "--quiet", "--message", message]
        _git(path, *words)
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise UserError(f"git could not make the first commit: {reason}") from None


def _identity(path: Path) -> list[str]:
    """What git needs to be told about who commits; nothing if it knows."""
    try:
        _git(path, "var", "GIT_COMMITTER_IDENT")
        _git(path, "var", "GIT_AUTHOR_IDENT")
    except subprocess.CalledProcessError:
        return [
            word
            for key, value in NOBODY.items()
            for word in ("-c", f"user.{key}={value}")
        ]
    return []


def _git(path: Path, *words: str) -> str:
    # A hook of git hands its repository to what it starts.
    kept = {
        k: v
        for k, v in os.environ.items()
        if k not in {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}
    }
    try:
        ran = subprocess.run(
            ["git", *words], cwd=path, env=kept, capture_output=True, check=True
        )
    except FileNotFoundError:
        raise UserError("git is not installed; install it and try again") from None
    return os.fsdecode(ran.stdout).removesuffix("\n")
