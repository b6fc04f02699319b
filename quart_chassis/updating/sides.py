"""The two sides git merges into a project: what it came from, and what is newer."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from quart_chassis.updating import git, trees
from quart_chassis.updating.record import FILE, Record
from quart_chassis.updating.rendering import CannotRender, Renderer
from quart_chassis.updating.source import Newer
from quart_chassis.updating.trees import Tree


def rendered(newer: Newer, record: Record, ours: str) -> tuple[Tree, Tree]:
    """The recorded and the newer version, under the project's names.

    What the project (the tree `ours`) has deleted is in neither: the demo, files (also
    under the name they have in the newer version), and whole folders.
    """
    scratch = newer.scratch
    files = trees.read(scratch, ours)
    before, demo = _rendered_before(newer, record, files)
    after = newer.renderer.render(newer.commit, record, demo=demo)
    base, theirs = trees.read(scratch, before), trees.read(scratch, after)
    gone = trees.deleted(scratch, before, ours)
    unknown = gone - _made(newer, record, base) if gone else set()
    gone -= unknown
    moved = trees.moved(scratch, before, after)
    out = gone | {new for old, new in moved.items() if old in gone}
    folders = {*_folders_gone(gone, base, files)}
    for path in theirs.keys() - base.keys():
        if folders & {str(each) for each in PurePosixPath(path).parents}:
            out.add(path)
    base = {k: v for k, v in base.items() if k not in out | unknown}
    theirs = {k: v for k, v in theirs.items() if k not in out}
    # The record is theirs as it is: nobody edits it, and every update changes it.
    base[FILE] = files.get(FILE, base[FILE])
    return base, theirs


def _made(newer: Newer, record: Record, base: Tree) -> set[str]:
    """The files with which the recorded version's own code made the project.

    The newer code may give projects more of that version's files: they are new, and
    nobody has deleted them.
    """
    try:
        renderer = Renderer.of(newer.scratch, record.commit)
        made = renderer.render(record.commit, record, demo=record.demo)
    except CannotRender:
        return {*base}
    return {*trees.read(newer.scratch, made)}


def with_line_ends(root: Path, scratch: Path, side: Tree) -> Tree:
    """The side with CRLF in the files that the project has committed with CRLF."""
    converted = dict(side)
    for line in git.names(root, "ls-files", "--eol", "-z", "--", "."):
        described, _, path = line.partition("\t")
        if described.startswith("i/crlf ") and path in side:
            data = trees.content(scratch, side[path]).replace(b"\r\n", b"\n")
            data = data.replace(b"\n", b"\r\n")
            converted[path] = trees.entry(scratch, side[path], data)
    return converted


def _rendered_before(newer: Newer, record: Record, ours: Tree) -> tuple[str, bool]:
    """The recorded version, and whether with the demo: not if the project has none."""
    before = newer.renderer.render(record.commit, record, demo=record.demo)
    if record.demo:
        rest = newer.renderer.render(record.commit, record, demo=False)
        if _demo_is_gone(newer.scratch, record.package, ours, before, rest):
            return rest, False
    return before, record.demo


def _demo_is_gone(
    scratch: Path, package: str, ours: Tree, whole: str, rest: str
) -> bool:
    """Whether nothing is left of the demo's part of the application's package.

    With the demo on both sides, git would take a copy of it for the moved demo.
    """
    extra = trees.read(scratch, whole).keys() - trees.read(scratch, rest).keys()
    demo = {path for path in extra if path.startswith(f"{package}/")}
    return bool(demo) and not demo & ours.keys()


def _folders_gone(gone: set[str], base: Tree, files: Tree) -> Iterator[str]:
    """The folders of which the project has deleted every file."""
    parents = {each for path in gone for each in PurePosixPath(path).parents}
    for folder in map(str, parents - {PurePosixPath()}):
        had = {path for path in base if path.startswith(f"{folder}/")}
        left = any(path.startswith(f"{folder}/") for path in files)
        if had <= gone and not left:
            yield folder
