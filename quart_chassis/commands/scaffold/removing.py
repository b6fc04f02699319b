"""What must go with a feature, and what keeps it from going."""

import ast
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Table

from quart_chassis import features
from quart_chassis.commands.scaffold import configuring, references, registering
from quart_chassis.errors import UserError
from quart_chassis.project import Project

# It names the rules of each feature that has some.
PROMETHEUS = "monitoring/prometheus.yml"
LARGEST_TEXT_BYTES = 1_000_000
# What others made, or what is history.
NOT_SEARCHED = {"migrations", "node_modules", "quart_chassis", "__pycache__"}


@dataclass(frozen=True)
class Removal:
    """What goes with a feature; `edited` has the new text of files, by their paths."""

    name: str
    folders: tuple[str, ...]
    tables: tuple[str, ...]
    edited: dict[str, str]


def plan(project: Project, name: str) -> Removal:
    """What goes with the feature; UserError if it is none, or something needs it."""
    known = [features.name_of(part) for part in features.features_of(project)]
    if name not in known:
        raise UserError(
            f"{name} is no feature of {project.package}; its features are "
            f"{', '.join(known) or 'none'}"
        )
    package = f"{project.package}.{name}"
    if importers := list(_importers(project, package)):
        raise UserError(
            f"{name} is still imported by {', '.join(importers)}; take that out first"
        )
    tables = _tables(project, package)
    _check_references(project, name, tables)
    application = f"{project.package}/application.py"
    source = (project.root / application).read_bytes().decode()
    edited = {application: registering.without_feature(source, project.package, name)}
    settings = (project.root / "settings.toml").read_bytes().decode()
    if (without := configuring.without_block(settings, name)) != settings:
        edited["settings.toml"] = without
    rules = project.root / PROMETHEUS
    if rules.exists():
        lines = rules.read_bytes().decode().splitlines(keepends=True)
        kept = [each for each in lines if f"/{name}/monitoring/" not in each]
        if kept != lines:
            edited[PROMETHEUS] = "".join(kept)
    folders = (f"{folder}/{name}" for folder in (project.package, "tests", "docs"))
    found = tuple(each for each in folders if (project.root / each).is_dir())
    return Removal(name, found, tuple(table.name for table in tables), edited)


def mentions(project: Project, name: str) -> list[str]:
    """The files that have the feature's name in their text, migrations excepted."""
    found = []
    for path in _files(project.root):
        if (
            path.stat().st_size <= LARGEST_TEXT_BYTES
            and name.encode() in path.read_bytes()
        ):
            found.append(path.relative_to(project.root).as_posix())
    return found


def _importers(project: Project, package: str) -> Iterator[str]:
    """The files outside the feature that import it, but for `application.py`."""
    name = package.rpartition(".")[2]
    for folder in (project.package, "tests"):
        own = project.root / folder / name
        for path in sorted((project.root / folder).rglob("*.py")):
            if own in path.parents or path.parent.name + path.name == (
                f"{project.package}application.py"
            ):
                continue
            if any(
                _imports(node, package)
                for node in ast.walk(ast.parse(path.read_bytes()))
            ):
                yield path.relative_to(project.root).as_posix()


def _imports(node: ast.AST, package: str) -> bool:
    match node:
        case ast.Import(names=names):
            modules = [each.name for each in names]
        case ast.ImportFrom(module=module, names=names, level=level):
            # A relative import is from the application, wherever it stands.
            start = package.partition(".")[0] if level else ""
            whole = ".".join(part for part in (start, module) if part)
            modules = [whole, *(f"{whole}.{each.name}" for each in names)]
        case _:
            return False
    return any(f"{each}.".startswith(f"{package}.") for each in modules)


def _tables(project: Project, package: str) -> list[Table]:
    """The tables that the feature's modules have."""
    return [
        table
        for table in project.metadata().sorted_tables
        if references.is_of(table, package)
    ]


def _check_references(project: Project, name: str, tables: list[Table]) -> None:
    """UserError if a table of another feature refers to one of these."""
    for table in project.metadata().sorted_tables:
        for key in table.foreign_keys:
            if table not in tables and key.column.table in tables:
                raise UserError(
                    f"{table.name}.{key.parent.name} refers to the table "
                    f"{key.column.table.name} of {name}; take that out first"
                )


def _files(root: Path) -> Iterator[Path]:
    """The project's files, but for hidden folders and those of NOT_SEARCHED."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            each
            for each in folders
            if each not in NOT_SEARCHED
            and (not each.startswith(".") or each in {".github", ".ci"})
        )
        for each in sorted(names):
            yield Path(folder, each)
