"""Requirements in an update: merged by us, and compiled, before git merges the rest."""

from pathlib import Path

from quart_chassis.updating import git, pins, trees
from quart_chassis.updating.trees import Tree

PYPROJECT = "pyproject.toml"


def settle(
    scratch: Path, ours: Tree, base: Tree, theirs: Tree, compile_pins: bool
) -> bool:
    """Have `base` hold the project's files and `theirs` what they become.

    So git has nothing to merge in them. True if they are still to be compiled.
    """
    files = [path for path in ours if _is_pinned(path) and path in theirs]
    texts = {path: _text(scratch, theirs[path]) for path in files}
    before = {path: _text(scratch, base.get(path, theirs[path])) for path in files}
    project = _text(scratch, theirs[PYPROJECT])
    if texts == before and pins.wanted(project) == pins.wanted(
        _text(scratch, base[PYPROJECT])
    ):
        # The boilerplate's own are as they were, so the project's stay as they are.
        _put(ours, base, files)
        _put(ours, theirs, files)
        return False
    found = {
        path: pins.merged(_text(scratch, ours[path]), texts[path]) for path in files
    }
    merged = _merged_project(scratch, ours, base, theirs)
    alike = merged is not None and pins.wanted(merged) == pins.wanted(project)
    uncompiled = not (alike and found == texts)
    if uncompiled and merged is not None and compile_pins:
        folder = _checked_out(scratch, theirs)
        if compiled := pins.compiled(folder, merged, found):
            found, uncompiled = compiled, False
    _put(ours, base, files)
    for path, text in found.items():
        theirs[path] = trees.entry(scratch, theirs[path], text.encode())
    return uncompiled


def _is_pinned(path: str) -> bool:
    return path.startswith("requirements/") and path.endswith(".txt")


def _put(source: Tree, target: Tree, paths: list[str]) -> None:
    target |= {path: source[path] for path in paths}


def _text(scratch: Path, entry: str) -> str:
    return trees.content(scratch, entry).decode().replace("\r\n", "\n")


def _merged_project(scratch: Path, ours: Tree, base: Tree, theirs: Tree) -> str | None:
    """The merged pyproject.toml; None if it has conflicts."""
    names = []
    for name, side in (("ours", ours), ("base", base), ("theirs", theirs)):
        (scratch / name).write_text(_text(scratch, side[PYPROJECT]), "utf-8")
        names.append(name)
    try:
        return git.run(scratch, "merge-file", "-p", "--quiet", *names).decode()
    except git.GitFailed:
        return None


def _checked_out(scratch: Path, files: Tree) -> Path:
    """A folder with the files."""
    folder = scratch.parent / "rendered"
    folder.mkdir()
    tree = trees.write(scratch, files)
    words = ("checkout", "--force", tree, "--", ".")
    git.run(scratch, f"--git-dir={scratch}", f"--work-tree={folder}", *words)
    return folder
