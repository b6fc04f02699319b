"""The names of a project: what they may be, and what is made of them."""

import keyword
import re
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from quart_chassis.errors import UserError

# The longest package name for which no line of the rendered code gets too long. Names
# of databases and hosts may have 63 characters; ours add a few.
LONGEST_PACKAGE = 30
LONGEST_TITLE = 60
PACKAGE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# Letters, digits and these stand in TOML, YAML, Markdown and HTML as they are.
IN_TITLE = " -.,'&!()+"
# Folders and modules of a project, and programs' words.
TAKEN = {
    *("quart_chassis", "boilerplate", "manage", "migrations", "tests", "test"),
    *("deploy", "docs", "monitoring", "requirements", "templates", "static"),
    *("app", "build", "dist", "conftest", "setup", "site", "user", "public"),
    *("postgres", "template0", "template1"),
}


@dataclass(frozen=True)
class Names:
    """What Python imports (corner_shop), the distribution, and what people read."""

    package: str
    name: str
    title: str


def choose(
    folder: Path, package: str | None, title: str | None, pinned: set[str]
) -> Names:
    """The names of a project in `folder`, made of its name where they are not given.

    `pinned` are modules that the dependencies bring. UserError says what is wrong with
    a name, and what to type.
    """
    package = _package_of(folder) if package is None else package
    _refuse_package(package, pinned)
    title = package.replace("_", " ").capitalize() if title is None else title
    _refuse_title(title)
    return Names(package, package.replace("_", "-"), title)


def _package_of(folder: Path) -> str:
    """A folder's name as a package's: `Corner Shop` becomes corner_shop."""
    plain = unicodedata.normalize("NFKD", folder.name).encode("ascii", "ignore")
    words = re.sub(r"[^a-z0-9]+", "_", plain.decode().lower()).strip("_")
    if not PACKAGE.fullmatch(words):
        raise UserError(
            f"no package can be named after {folder.name!r}; choose a name with "
            "--package, for example --package corner_shop"
        )
    return words


def _refuse_package(package: str, pinned: set[str]) -> None:
    if not PACKAGE.fullmatch(package):
        raise UserError(
            f"--package {package!r} is no name for a package; use small letters, "
            "digits and single underscores, and begin with a letter: corner_shop"
        )
    if len(package) > LONGEST_PACKAGE:
        raise UserError(
            f"--package {package} has {len(package)} characters; use {LONGEST_PACKAGE} "
            "at most"
        )
    if keyword.iskeyword(package) or keyword.issoftkeyword(package):
        owner = "a keyword of Python"
    elif package in sys.stdlib_module_names:
        owner = "a module of Python's standard library"
    elif package in pinned:
        owner = "a module that the dependencies bring"
    elif package in TAKEN:
        owner = "the name of something else in a project"
    else:
        return
    raise UserError(
        f"{package} is {owner}; choose another name with --package, for example "
        f"--package {package}_app"
    )


def _refuse_title(title: str) -> None:
    if not title.strip() or title != title.strip() or len(title) > LONGEST_TITLE:
        raise UserError(
            f"--title {title!r} must have 1 to {LONGEST_TITLE} characters, without "
            "spaces around them"
        )
    for character in title:
        if not (character.isalnum() or character in IN_TITLE):
            raise UserError(
                f"--title may not contain {character!r}; use letters, digits and "
                f"any of {IN_TITLE.strip()}"
            )
    if not title[0].isalnum():
        raise UserError(f"--title {title!r} must begin with a letter or a digit")
