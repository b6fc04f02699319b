"""Get the newer boilerplate, if it follows on the one a project came from."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from quart_chassis.errors import UserError
from quart_chassis.updating import git
from quart_chassis.updating.record import Record
from quart_chassis.updating.rendering import PROGRAM, CannotRender, Renderer


@dataclass(frozen=True)
class Newer:
    """A newer boilerplate: its commit in the scratch repository, and its code."""

    scratch: Path
    commit: str
    version: str
    renderer: Renderer

    def read(self, path: str, commit: str | None = None) -> str:
        """A file of the newer version or of another commit; "" if it has none."""
        return _read(self.scratch, commit or self.commit, path)


def fetch(source: str, record: Record, scratch: Path) -> Newer | None:
    """The version at SOURCE's HEAD; None if the project has it already.

    UserError if SOURCE is no boilerplate, or does not follow on the project's version.
    """
    _fetch(source, scratch)
    commit = git.text(scratch, "rev-parse", "refs/newer^{commit}")
    if commit == record.commit:
        return None
    _refuse_others(source, record, scratch, commit)
    try:
        renderer = Renderer.of(scratch, commit)
        content = tomllib.loads(_read(scratch, commit, "pyproject.toml"))
        version = str(content["project"]["version"])
    except (CannotRender, ValueError, KeyError, TypeError):
        raise UserError(
            f"SOURCE is no boilerplate: it has no {PROGRAM}, or no version in its "
            "pyproject.toml; name a clone or the address of Quart Chassis"
        ) from None
    return Newer(scratch, commit, version, renderer)


def _read(scratch: Path, commit: str, path: str) -> str:
    try:
        return git.text(scratch, "show", f"{commit}:{path}")
    except git.GitFailed:
        return ""


def _fetch(source: str, scratch: Path) -> None:
    words = ("--quiet", "--no-tags", "--no-recurse-submodules", "--update-shallow")
    try:
        git.run(scratch, "fetch", *words, "--", source, "+HEAD:refs/newer")
    except git.GitFailed as error:
        told = str(error)
        if "dubious ownership" in told:
            raise UserError(
                "SOURCE belongs to another user, whom git does not trust; if you do, "
                f"type git config --global --add safe.directory {_git_folder(told)}"
            ) from None
        shown = re.sub(r"//[^/@\s]*@", "//", told)
        raise UserError(
            f"SOURCE cannot be fetched: {shown}; name the folder or the address of a "
            "git repository that holds a newer boilerplate"
        ) from None


def _git_folder(told: str) -> str:
    match = re.search(r"'(.+?)'", told)
    return match[1] if match else "SOURCE"


def _refuse_others(source: str, record: Record, scratch: Path, commit: str) -> None:
    """Raise UserError unless the project's version is an ancestor of `commit`."""
    present = ("cat-file", "-e", f"{record.commit}^{{commit}}")
    if not _succeeds(scratch, *present):
        # It may be on another branch of SOURCE, or later on this one.
        words = ("--quiet", "--no-tags", "--no-recurse-submodules", "--", source)
        _succeeds(scratch, "fetch", *words, record.commit)
    if not _succeeds(scratch, *present):
        if git.text(scratch, "rev-parse", "--is-shallow-repository") == "true":
            raise UserError(
                "SOURCE is a shallow clone, without the commit this project came from; "
                "type git fetch --unshallow in it, or name the original's address"
            )
        raise _no_ancestor(record)
    if _succeeds(scratch, "merge-base", "--is-ancestor", commit, record.commit):
        raise UserError(
            f"SOURCE ({commit[:12]}) is older than this project's version "
            f"{record.version} ({record.commit[:12]}); name a newer one"
        )
    if not _succeeds(scratch, "merge-base", "--is-ancestor", record.commit, commit):
        raise _no_ancestor(record)


def _no_ancestor(record: Record) -> UserError:
    return UserError(
        f"SOURCE does not follow on {record.commit[:12]} (version {record.version}), "
        "from which this project came; name the boilerplate it came from, or if its "
        "history was rewritten, write the commit that took that one's place into "
        ".quart-chassis.toml, commit, and try again"
    )


def _succeeds(folder: Path, *words: str) -> bool:
    try:
        git.run(folder, *words)
    except git.GitFailed:
        return False
    return True
