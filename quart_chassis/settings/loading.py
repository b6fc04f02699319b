"""Load settings: the chassis' own, and those that features declare.

Keyword arguments of `create_app` rank above environment variables, those above a
developer's `.env`, and that above `settings.toml`, which Dynaconf reads. Dynaconf's own
environment loader is not used: it interprets values, and would change a password such
as `true` or `@format {env[HOME]}`.
"""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from quart_chassis.claims import CHASSIS, Claims
from quart_chassis.errors import UserError
from quart_chassis.project import Project
from quart_chassis.settings import secret_key, sources
from quart_chassis.settings.base import Settings
from quart_chassis.settings.sources import Given
from quart_chassis.settings.values import (
    bare,
    hidden,
    hides_a_secret,
    is_secret,
    is_utf8,
)

# Fields of Settings that settings.toml does not hold.
NOT_IN_THE_FILE = {"project", "ENV_FOR_DYNACONF"}
DATABASE_PARTS = {"DB_HOST", "DB_PORT", "DB_USERNAME", "DB_PASSWORD", "DATABASE_NAME"}

# Each loaded class of settings, with its only instance.
Loaded = dict[type, Any]


def load(
    project: Project, owners: Mapping[str, type] | None = None, **overrides: object
) -> Loaded:
    """The settings in force; UserError names the first that is wrong and its remedy.

    `owners` are the features that declare settings, each with its class. `overrides`
    are settings by name, and `ENV_FOR_DYNACONF` to choose the section.
    """
    hints = declared(owners or {})
    chosen = overrides.pop("ENV_FOR_DYNACONF", None)
    chosen = chosen or os.environ.get("ENV_FOR_DYNACONF") or "development"
    environment = str(chosen).lower()
    given = sources.from_file(project.root / "settings.toml", environment)
    _check_names(given, hints)
    if environment == "development":
        given |= _developers_own(project, hints)
    given |= sources.from_environment(hints, files_for(hints))
    if overrides.keys() & DATABASE_PARTS:
        overrides.setdefault("DATABASE_URL", "")
    given |= {name: Given(value, "argument") for name, value in overrides.items()}
    _check_names(given, hints)
    values = {name: _converted(name, hint, given[name]) for name, hint in hints.items()}
    if not values["SECRET_KEY"]:
        values["SECRET_KEY"] = hidden(_secret_key(project, environment))
    values |= {"project": project, "ENV_FOR_DYNACONF": environment}
    return {
        kind: kind(**{field.name: values[field.name] for field in fields(kind)})
        for kind in (Settings, *(owners or {}).values())
    }


def hints_of(kind: type) -> dict[str, Any]:
    """The settings that a class declares, with their types."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: hints[name] for name in hints if name not in NOT_IN_THE_FILE}


def files_for(hints: Mapping[str, Any]) -> list[str]:
    """The secrets that may come from a file, as NAME_FILE."""
    return [
        name for name, hint in hints.items() if is_secret(hint) and bare(hint) is str
    ]


def declared(owners: Mapping[str, type]) -> dict[str, Any]:
    """Every setting with its type, of the chassis and of `owners`.

    UserError if two declare the same setting.
    """
    claims = Claims()
    hints: dict[str, Any] = {}
    for owner, kind in {CHASSIS: Settings, **owners}.items():
        if not is_dataclass(kind):
            raise UserError(
                f"{owner}.Settings is no dataclass; write @dataclass(frozen=True, "
                "kw_only=True) above it"
            )
        for name, hint in hints_of(kind).items():
            claims.claim("setting", name, owner)
            if hides_a_secret(hint):
                raise UserError(
                    f"{owner}.Settings.{name} must be a Secret or Secrets itself; an "
                    "empty one means not set"
                )
            hints[name] = hint
    return hints


def _developers_own(project: Project, hints: Mapping[str, Any]) -> dict[str, Given]:
    """The settings in a developer's `.env`."""
    variables = sources.variables_of(project.root / ".env")
    chosen = variables.get("ENV_FOR_DYNACONF") or "development"
    if chosen.lower() != "development":
        raise UserError(
            ".env is read in development alone, so ENV_FOR_DYNACONF counts for nothing "
            "in it; remove it there, and export it"
        )
    return sources.from_variables(variables, ".env", hints, files_for(hints))


def _secret_key(project: Project, environment: str) -> str:
    """The key where none is set: none in production, kept in development."""
    if environment == "production":
        return ""
    if environment == "development":
        return secret_key.kept_in(project.root)
    return secrets.token_urlsafe()


def _check_names(given: Mapping[str, Given], known: Iterable[str]) -> None:
    if missing := [name for name in known if name not in given]:
        raise UserError(
            f"settings.toml [default] lacks {missing[0]}; add it there, with its "
            "default and a comment above it"
        )
    if unknown := [name for name in given if name not in known]:
        raise UserError(
            f"{unknown[0]} ({given[unknown[0]].source}) is no setting; correct the "
            "name, remove it, or declare it in the Settings of a feature"
        )


def _converted(name: str, hint: Any, given: Given) -> Any:
    """The value as the setting's type; text is read as operators write it."""
    value = given.value
    if isinstance(value, str):
        if not is_utf8(value):
            raise UserError(f"{name} ({given.source}) must be UTF-8")
        if get_origin(bare(hint)) is tuple:
            value = _items(value)
        elif get_origin(hint) is Literal:
            value = value.upper() if name == "LOG_LEVEL" else value.lower()
        elif bare(hint) is bool:
            value = value.lower()
    try:
        converted = msgspec.convert(value, hint, strict=False)
    except msgspec.ValidationError as error:
        shown = "" if is_secret(hint) else f" = {given.value!r}"
        words = {bool: ("true", "false")}.get(bare(hint), ())
        words = get_args(hint) if get_origin(hint) is Literal else words
        to = f" to {' or '.join(filter(None, words))}" if words else ""
        raise UserError(
            f"{name}{shown} ({given.source}) is not valid: "
            f"{str(error).replace('`', '').lower()}; correct it{to}, or remove it to "
            "use the default"
        ) from None
    return hidden(converted) if is_secret(hint) else converted


def _items(text: str) -> list[Any]:
    """A list as operators write it: with commas, or as settings.toml has it."""
    with suppress(ValueError, RecursionError):
        # [::1] is a host, and no list.
        if text.lstrip().startswith("[") and isinstance(
            found := json.loads(text), list
        ):
            return found
    return [word.strip() for word in text.split(",") if word.strip()]
