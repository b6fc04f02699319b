"""The two sources of settings: `settings.toml` and the environment."""

import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dynaconf import Dynaconf

from quart_chassis.errors import UserError


@dataclass(frozen=True)
class Given:
    """A value and its source."""

    value: object
    source: str


def from_file(path: Path, environment: str) -> dict[str, Given]:
    """The settings of `[default]` and the environment's section, merged by Dynaconf."""
    try:
        sections = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    by_name = {name.lower(): values for name, values in sections.items()}
    known = sorted(by_name.keys() - {"default"})
    if environment not in known:
        raise UserError(
            f"ENV_FOR_DYNACONF={environment} names no section of {path.name}; "
            f"use one of {', '.join(known)}"
        )
    # force_env, because Dynaconf would rank ENV_FOR_DYNACONF above env.
    merged = Dynaconf(
        settings_files=[str(path)],
        environments=True,
        force_env=environment,
        loaders=[],
    ).as_dict()
    own = {name.upper() for name in by_name[environment]}
    return {
        name: Given(value, f"{path.name} [{environment if name in own else 'default'}]")
        for name, value in merged.items()
    }


def from_environment(
    names: Iterable[str], names_of_files: Iterable[str]
) -> dict[str, Given]:
    """Variables called `names`; for `names_of_files` also files named by NAME_FILE.

    Values are not interpreted, and an empty variable is not set. A file's last line
    break is not part of its value.
    """
    given = {
        name: Given(os.environ[name], "environment variable")
        for name in names
        if os.environ.get(name)
    }
    for name in names_of_files:
        variable = f"{name}_FILE"
        if not (path := os.environ.get(variable)):
            continue
        if name in given:
            raise UserError(f"{name} and {variable} are both set; remove one of them")
        try:
            value = Path(path).read_text("utf-8")
        except (OSError, ValueError) as error:
            raise UserError(f"{variable}={path} cannot be read: {error}") from None
        value = value.removesuffix("\n").removesuffix("\r")
        given[name] = Given(value, variable)
    return given
