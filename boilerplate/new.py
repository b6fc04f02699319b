"""Make a project of your own in DIRECTORY."""

import argparse
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from boilerplate import names, repositories, trees
from boilerplate.names import Names
from boilerplate.rendered import project_of, version_of
from boilerplate.rendering import File
from quart_chassis.errors import UserError, say

# It needs no more than Python and git.
ALONE = True
NEXT = ("python3 manage.py run", "python3 manage.py test")
LINK = "120000"
PROGRAM = "100755"


def configure(parser: argparse.ArgumentParser) -> None:
    """Where it will be, and what it is called."""
    parser.add_argument("directory", metavar="DIRECTORY", type=Path)
    parser.add_argument(
        "--package", help="what Python imports, for example corner_shop"
    )
    parser.add_argument("--title", help="what people read, for example 'Corner Shop'")
    parser.add_argument(
        "--with-demo", action="store_true", help="with the counter as an example"
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the project and its first commit, and say what to type next."""
    root: Path = arguments.project.root
    folder = arguments.directory.absolute()
    _refuse(folder, root)
    commit = repositories.head(root)
    files = trees.read(str(repositories.folder(root)), commit)
    chosen = names.choose(
        folder, arguments.package, arguments.title, _pinned_modules(files)
    )
    if repositories.is_changed(root):
        say("What is not committed here is left out")
    around = repositories.around(folder.parent)
    project = project_of(files, commit, chosen, demo=arguments.with_demo)
    with _made_aside(folder) as aside:
        _write(aside, project)
        if around is None:
            repositories.make(aside, _message(chosen, files, commit))
    print(f"Made {arguments.directory}: {chosen.title}, package {chosen.package}")
    if around:
        print(f"It is part of the git repository in {around}; commit it there")
    print(f"  cd {shlex.quote(str(arguments.directory))}", *NEXT, sep="\n  ")


def _refuse(folder: Path, root: Path) -> None:
    """Raise UserError if no project can be made in `folder`."""
    if folder.resolve().is_relative_to(root.resolve()):
        raise UserError(
            f"{folder} is inside the boilerplate; choose a folder beside it, for "
            f"example ../{folder.name}"
        )
    if not folder.parent.is_dir():
        raise UserError(
            f"there is no folder {folder.parent}; make it, or choose another"
        )
    if folder.is_symlink() or (folder.exists() and not _is_empty(folder)):
        raise UserError(f"{folder} is there already; choose another DIRECTORY")


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def _pinned_modules(files: Mapping[str, File]) -> set[str]:
    """What the pinned packages are likely to be imported as."""
    pins = files["requirements/dev.txt"].data.decode()
    found = re.findall(r"^([\w.-]+)(?:\[.*\])?==", pins, re.MULTILINE)
    return {re.sub(r"[.-]", "_", name.lower()) for name in found}


def _message(chosen: Names, files: Mapping[str, File], commit: str) -> str:
    return (
        f"Begin {chosen.title}\n\n"
        f"Made from Quart Chassis {version_of(files)}, commit {commit[:12]}."
    )


@contextmanager
def _made_aside(folder: Path) -> Iterator[Path]:
    """A folder that becomes `folder` if the block ends well, else nothing is left."""
    try:
        aside = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
    except OSError as error:
        raise UserError(
            f"{folder.parent} cannot be written to: {error.strerror}; choose a folder "
            "that can"
        ) from None
    try:
        aside.chmod(0o755)
        yield aside
        if folder.exists():
            folder.rmdir()
        aside.rename(folder)
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write(folder: Path, project: Mapping[str, File]) -> None:
    for name, file in project.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.mode == LINK:
            path.symlink_to(file.data.decode())
            continue
        path.write_bytes(file.data)
        if file.mode == PROGRAM:
            path.chmod(0o755)
