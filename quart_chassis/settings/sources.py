"""Where settings come from: `settings.toml`, `.env`, and the environment."""

import codecs
import os
import tempfile
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dynaconf import Dynaconf
from dynaconf.vendor.dotenv import dotenv_values

from quart_chassis.errors import UserError

# Some editors put a mark in front of UTF-8.
ENCODING = "utf-8-sig"
# A file that never ends, /dev/zero for example, is no secret.
LONGEST_VALUE = 65536


@dataclass(frozen=True)
class Given:
    """A value and its source."""

    value: object
    source: str


def from_file(path: Path, environment: str) -> dict[str, Given]:
    """The settings of `[default]` and the environment's section, merged by Dynaconf."""
    try:
        sections = tomllib.loads(path.read_text(ENCODING))
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
    with _without_dynaconfs_own(), _without_mark(path) as plain:
        merged = Dynaconf(
            settings_files=[str(plain)],
            environments=True,
            force_env=environment,
            loaders=[],
        ).as_dict()
    own = {name.upper() for name in by_name[environment]}
    return {
        name: Given(value, f"{path.name} [{environment if name in own else 'default'}]")
        for name, value in merged.items()
    }


@contextmanager
def _without_dynaconfs_own() -> Iterator[None]:
    """Hide the variables that would tell Dynaconf to read other files, or otherwise."""
    hidden = {
        name: os.environ.pop(name)
        for name in list(os.environ)
        if name.endswith("_FOR_DYNACONF")
    }
    try:
        yield
    finally:
        os.environ.update(hidden)


@contextmanager
def _without_mark(path: Path) -> Iterator[Path]:
    """The file, or a copy without the mark that Dynaconf does not understand."""
    content = path.read_bytes()
    if not content.startswith(codecs.BOM_UTF8):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, path.name)
        copy.write_bytes(content.removeprefix(codecs.BOM_UTF8))
        yield copy


def from_dotenv(path: Path, names: Iterable[str]) -> dict[str, Given]:
    """The settings in a file of `NAME=value` lines, if it is there.

    Other names belong to other programs: Compose reads the same file.
    """
    try:
        values = dotenv_values(path, interpolate=False, encoding=ENCODING)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    return {
        name: Given(value, path.name) for name in names if (value := values.get(name))
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
            with Path(path).open(encoding=ENCODING) as file:
                value = file.read(LONGEST_VALUE + 1)
        except (OSError, ValueError) as error:
            raise UserError(f"{variable}={path} cannot be read: {error}") from None
        if len(value) > LONGEST_VALUE:
            raise UserError(f"{variable}={path} has more than {LONGEST_VALUE} bytes")
        value = value.removesuffix("\n").removesuffix("\r")
        given[name] = Given(value, variable)
    return given
