"""Git's trees as dictionaries: read, compared and written in a bare repository."""

import re
from pathlib import Path

from quart_chassis.updating import git

# Each path's mode and blob id, in one word of git's: "100644 2f0d…".
Tree = dict[str, str]


def read(repository: Path, tree: str) -> Tree:
    """Every file of a tree."""
    found = {}
    for line in git.names(repository, "ls-tree", "-rz", "--full-tree", tree):
        described, _, path = line.partition("\t")
        mode, _, blob = described.split(" ")
        found[path] = f"{mode} {blob}"
    return found


def write(repository: Path, files: Tree, beside: str = "", folder: str = "") -> str:
    """The id of a tree with these files under `folder`.

    `beside` is a tree whose files outside that folder are in it, too.
    """
    index = repository / "index-to-write"
    index.unlink(missing_ok=True)
    variables = {"GIT_INDEX_FILE": str(index)}
    lines = [f"{entry}\t{folder}{path}\0" for path, entry in files.items()]
    if folder:
        git.run(repository, "read-tree", beside, variables=variables)
        inside = [path for path in read(repository, beside) if path.startswith(folder)]
        lines = [f"0 {'0' * 40}\t{path}\0" for path in inside] + lines
    words = ("update-index", "-z", "--add", "--index-info")
    given = "".join(lines).encode("utf-8", "surrogateescape")
    git.run(repository, *words, given=given, variables=variables)
    return git.run(repository, "write-tree", variables=variables).decode().strip()


def content(repository: Path, entry: str) -> bytes:
    """The content of a file in a tree."""
    return git.run(repository, "cat-file", "blob", entry.split(" ")[1])


def texts(repository: Path, tree: str) -> dict[str, str]:
    """The text of every file of a tree; none if there is no such tree."""
    try:
        files = read(repository, tree)
    except git.GitFailed:
        return {}
    return {
        path: content(repository, entry).decode("utf-8", "replace")
        for path, entry in files.items()
    }


def entry(repository: Path, like: str, data: bytes) -> str:
    """A file with this content, and the mode of `like`."""
    words = ("hash-object", "-w", "--stdin")
    blob = git.run(repository, *words, given=data).decode().strip()
    return f"{like.split(' ', maxsplit=1)[0]} {blob}"


def deleted(repository: Path, before: str, after: str) -> set[str]:
    """The files of one tree that are gone in another, and were not moved."""
    words = ("diff-tree", "-r", "-z", "-M", "--diff-filter=D", "--name-only")
    return {*git.names(repository, *words, before, after)}


def moved(repository: Path, before: str, after: str) -> dict[str, str]:
    """The new paths of the files that were moved between two trees, by the old."""
    words = ("diff-tree", "-r", "-z", "-M", "--diff-filter=R", "--name-status")
    told = git.names(repository, *words, before, after)
    return dict(zip(told[1::3], told[2::3], strict=True))


def changes(repository: Path, before: str, after: str, folder: str) -> list[str]:
    """A line for each file in a folder that differs: "M path", "R old -> new"."""
    words = ("diff-tree", "-r", "-z", "-M", "--name-status", f"--relative={folder}")
    told = iter(git.names(repository, *words, before, after))
    lines = []
    for status in told:
        path = next(told)
        arrow = f" -> {next(told)}" if re.match("[RC]", status) else ""
        lines.append(f"{status[0]} {path}{arrow}")
    return lines
