"""What a feature is: a package with `install(app)`, and what else it may name.

`Settings` is a frozen, keyword-only dataclass; `navigation` a tuple of `Link`;
`commands` a tuple of modules (`quart_chassis/commands/` has their shape); and
`seeds(connection)` a coroutine function that writes rows to develop with, and may run
again.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from inspect import iscoroutinefunction
from types import ModuleType
from typing import Any

from quart_chassis import settings
from quart_chassis.errors import UserError
from quart_chassis.project import Project
from quart_chassis.settings import Settings
from quart_chassis.web.navigation import Link

# An argument in a rule, with its converter.
ARGUMENT = re.compile(r"<(?:([^:<>]+):)?[^<>]+>")
# Quart answers these itself.
AUTOMATIC = {"HEAD", "OPTIONS"}


def name_of(part: ModuleType) -> str:
    """A feature's name: its folder's."""
    return part.__name__.rpartition(".")[2]


def checked(parts: Iterable[ModuleType]) -> tuple[ModuleType, ...]:
    """The features as a tuple; UserError names one that is twice there, or is none."""
    if isinstance(parts, ModuleType):
        name = name_of(parts)
        raise UserError(f"FEATURES is the module {name}; write ({name},) instead")
    parts = tuple(parts)
    for part in parts:
        name = getattr(part, "__name__", repr(part)).rpartition(".")[2]
        if not callable(getattr(part, "install", None)):
            raise UserError(
                f"FEATURES names {name}, which has no install(app); write that "
                "function in its __init__.py, or take it out"
            )
        if not iscoroutinefunction(getattr(part, "seeds", _no_seeds)):
            raise UserError(f"{name}.seeds must be `async def seeds(connection)`")
    for part in parts:
        name = name_of(part)
        if parts.count(part) > 1:
            raise UserError(f"FEATURES names {name} twice; take one of the two out")
        if [name_of(each) for each in parts].count(name) > 1:
            raise UserError(f"FEATURES names two features {name}; rename one of them")
    return parts


async def _no_seeds() -> None:
    """What a feature without seeds has."""


def features_of(project: Project) -> tuple[ModuleType, ...]:
    """The features that a project lists; UserError as for `checked`."""
    return checked(project.application().FEATURES)


def settings_of(parts: Iterable[ModuleType]) -> dict[str, type]:
    """The class of settings of each feature that has one."""
    found = {name_of(part): getattr(part, "Settings", None) for part in parts}
    return {name: kind for name, kind in found.items() if kind is not None}


def load_settings(project: Project, **overrides: object) -> Settings:
    """The chassis' settings of a project; those of its features are checked as well."""
    loaded = settings.load(project, settings_of(features_of(project)), **overrides)
    chosen: Settings = loaded[Settings]
    return chosen


def links_of(parts: Iterable[ModuleType]) -> Iterator[tuple[str, Link]]:
    """Every link of the navigation, with the feature that brings it."""
    for part in parts:
        for link in getattr(part, "navigation", ()):
            yield name_of(part), link


def routes_of(
    rule: str, methods: Iterable[str], options: Mapping[str, Any]
) -> Iterator[str]:
    """A route as people write it, once for each method: `GET /orders/<number>`.

    Two rules that differ in the names of their arguments alone are one route.
    """
    path = ARGUMENT.sub(_kind, rule)
    path = f"{options.get('host') or options.get('subdomain') or ''}{path}"
    if options.get("websocket"):
        yield f"WebSocket {path}"
        return
    for method in sorted({method.upper() for method in methods} - AUTOMATIC):
        yield f"{method} {path}"


def _kind(argument: re.Match[str]) -> str:
    """An argument without its name; `default` is Werkzeug's word for `string`."""
    converter = argument[1] or "string"
    return f"<{converter.replace('default', 'string')}>"
