"""Run git, in a repository of its own or in the user's."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from quart_chassis.errors import UserError

# A hook of git hands these to what it starts; they would name another repository.
FOREIGN = {
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_PREFIX"),
    *("GIT_NAMESPACE",),
}
# Every rename is found, whatever the user's own settings are.
SETTINGS = {
    **{"merge.renames": "true", "diff.renames": "true", "gc.auto": "0"},
    **{"merge.renameLimit": "30000", "diff.renameLimit": "30000"},
    **{"maintenance.auto": "false", "rerere.autoUpdate": "false"},
}


class GitFailed(Exception):
    """Git ended with a failure; the text is the last reason it gave, in one line."""


def run(
    folder: Path,
    *words: str,
    given: bytes = b"",
    variables: Mapping[str, str] | None = None,
    apart: bool = False,
    statuses: tuple[int, ...] = (0,),
) -> bytes:
    """What git prints when it runs in `folder`; `given` is its standard input.

    `apart` starts it in a session of its own, so that a Ctrl-C does not reach it.
    GitFailed if it ends with another status than these.
    """
    settings = [word for pair in SETTINGS.items() for word in ("-c", "=".join(pair))]
    environment = {k: v for k, v in os.environ.items() if k not in FOREIGN}
    try:
        ran = subprocess.run(
            ["git", *settings, *words],
            cwd=folder,
            env=environment | {"LC_ALL": "C"} | dict(variables or {}),
            input=given,
            capture_output=True,
            check=False,
            start_new_session=apart,
        )
    except FileNotFoundError:
        raise UserError("git is not installed; install it and try again") from None
    if ran.returncode not in statuses:
        raise GitFailed(_reason(ran.stderr.decode("utf-8", "replace")))
    return ran.stdout


def text(folder: Path, *words: str) -> str:
    """What git prints, as text without the last line's end."""
    return os.fsdecode(run(folder, *words)).rstrip("\n")


def names(folder: Path, *words: str, statuses: tuple[int, ...] = (0,)) -> list[str]:
    """What git prints with `-z`: paths, mostly."""
    return os.fsdecode(run(folder, *words, statuses=statuses)).split("\0")[:-1]


def _reason(said: str) -> str:
    """The line that tells most: the first error, else the last line."""
    lines = [line for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    chosen = (telling or lines[-1:] or ["no reason given"])[0]
    return chosen.removeprefix("fatal: ").removeprefix("error: ").rstrip(".")
