"""Make of the boilerplate's files those of a project, under its names."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from boilerplate.edits import (
    EDITS,
    LEFT_OUT,
    MIGRATIONS,
    SCREENSHOTS,
    Edit,
    without,
)
from boilerplate.names import Names

CHASSIS = "quart_chassis/"
# What stands in this folder takes the place of the file with the rest of its path.
INSTEAD = "boilerplate/files/"
LICENSE = "LICENSE"
# Every way our names are written. Alerts are called MyAppDown and the like.
NAMES = re.compile(r"my_app|my-app|My app|MyApp(?=[A-Z])|\bapp_user\b")


@dataclass(frozen=True)
class File:
    """A file as git has it; `mode` is 100644, 100755 (a program) or 120000 (a link)."""

    mode: str
    data: bytes


def render(files: Mapping[str, File], names: Names, *, demo: bool) -> dict[str, File]:
    """The files of a project, by their paths; the chassis' are as they were."""
    demos = demos_of(files)
    edits = EDITS if demo or not demos else (*EDITS, *without(demos))
    rendered = {}
    for path, file in _kept(files, () if demo else demos):
        if path.startswith(CHASSIS):
            rendered[path] = file
            continue
        rendered[_named(path, names)] = File(
            file.mode, _edited(path, file.data, edits, names)
        )
    if LICENSE in files:
        rendered[CHASSIS + LICENSE] = files[LICENSE]
    return rendered


def demos_of(files: Mapping[str, File]) -> tuple[str, ...]:
    """The features that are the demo, as pyproject.toml names them."""
    content = tomllib.loads(files["pyproject.toml"].data.decode())
    return tuple(content["tool"]["quart-chassis"].get("demo", ()))


def _kept(
    files: Mapping[str, File], demos: tuple[str, ...]
) -> Iterator[tuple[str, File]]:
    """The files of a project, without what is left out, by the paths they get."""
    replaced = {
        path.removeprefix(INSTEAD) for path in files if path.startswith(INSTEAD)
    }
    for path, file in files.items():
        if path.startswith(INSTEAD):
            yield path.removeprefix(INSTEAD), file
        elif path not in replaced and not _is_left_out(path, demos):
            yield path, file


def _is_left_out(path: str, demos: tuple[str, ...]) -> bool:
    if any(
        path == each or (each[-1] == "/" and path.startswith(each)) for each in LEFT_OUT
    ):
        return True
    if SCREENSHOTS.fullmatch(path):
        return True
    if not demos:
        return False
    return bool(MIGRATIONS.fullmatch(path)) or not set(demos).isdisjoint(
        path.split("/")
    )


def _edited(path: str, data: bytes, edits: Iterable[Edit], names: Names) -> bytes:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data
    for edit in edits:
        if edit.path == path:
            text = edit(text)
    return _named(text, names).encode()


def _named(text: str, names: Names) -> str:
    instead = {
        "my_app": names.package,
        "my-app": names.name,
        "My app": names.title,
        "MyApp": names.package.title().replace("_", ""),
        "app_user": f"{names.package}_user",
    }
    return NAMES.sub(lambda found: instead[found[0]], text)
