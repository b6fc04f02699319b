"""A policy about what features use of each other, part of `policies`."""

import ast
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from quart_chassis import features
from quart_chassis.project import Project


def test_features_use_of_each_other_what_is_handed_out(project: Project) -> None:
    """Where a feature has `__all__`, that is its front door."""
    parts = features.features_of(project)
    package = project.root / project.package
    for part in parts:
        if not hasattr(part, "__all__"):
            continue
        for other in parts:
            if other is part:
                continue
            for path in sorted((package / features.name_of(other)).rglob("*.py")):
                hidden = set(_taken(path, part)) - set(part.__all__)
                assert not hidden, f"{path}: {part.__name__}.__all__ lacks {hidden}"


def _taken(path: Path, part: ModuleType) -> Iterator[str]:
    """The names that the module imports of the feature."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        match node:
            case ast.ImportFrom(module=str(module), names=names):
                if module == part.__name__:
                    yield from (each.name for each in names)
                if module.startswith(f"{part.__name__}."):
                    yield module
            case ast.Import(names=names):
                yield from (
                    each.name
                    for each in names
                    if each.name.startswith(f"{part.__name__}.")
                )
