"""Where settings come from: `settings.toml`, `.env`, and the environment."""

import codecs
import os
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from dynaconf import Dynaconf
from dynaconf.vendor.dotenv.parser import parse_stream

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
    """The settings of `[default]` and the environment's section, merged by Dynaconf.

    Values are not interpreted, also where they begin with `@`.
    """
    try:
        # Bytes, because a line may not end with a carriage return alone.
        sections = tomllib.loads(path.read_bytes().decode(ENCODING))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    by_name = _sections_by_name(path, sections)
    known = sorted(by_name.keys() - {"default"})
    if environment not in known:
        raise UserError(
            f"ENV_FOR_DYNACONF={environment!r} names no section of {path.name}; "
            f"use one of {', '.join(known)}"
        )
    # force_env, because Dynaconf would rank ENV_FOR_DYNACONF above env.
    with _without_dynaconfs_own(), _without_mark(path) as plain:
        merged = Dynaconf(
            settings_files=[str(plain)],
            environments=True,
            force_env=environment,
            auto_cast=False,
            loaders=[],
        ).as_dict()
    own = {name.upper() for name in by_name[environment]}
    return {
        name: Given(value, f"{path.name} [{environment if name in own else 'default'}]")
        for name, value in merged.items()
    }


def _sections_by_name(
    path: Path, sections: Mapping[str, object]
) -> dict[str, dict[str, object]]:
    """The sections, in small letters.

    UserError for what Dynaconf would pass over, or read in another way.
    """
    by_name: dict[str, dict[str, object]] = {}
    for section, values in sections.items():
        if not isinstance(values, dict):
            where = f"as [{section}]" if isinstance(values, list) else "below [default]"
            raise UserError(f"{path.name}: {section} must stand {where}")
        if section.lower() in {*by_name, "global"}:
            raise UserError(
                f"{path.name}: [{section}] is one section too many; put its settings "
                "into [default] or the environment's own"
            )
        names: set[str] = set()
        for name in values:
            if name.upper() in names:
                raise UserError(f"{path.name} [{section}] has {name.upper()} twice")
            names.add(name.upper())
        by_name[section.lower()] = values
    if "default" not in by_name:
        raise UserError(f"{path.name} has no section [default]; restore it")
    return by_name


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


def variables_of(path: Path) -> dict[str, str]:
    """The variables in a file of `NAME=value` lines, if it is there.

    Other programs read them, too: Compose, for example.
    """
    # A link that leads nowhere is no file that is not there.
    if not os.path.lexists(path):
        return {}
    try:
        lines = list(parse_stream(StringIO(path.read_text(ENCODING))))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    if wrong := [line for line in lines if line.error]:
        # Blank lines in front belong to it.
        blank = wrong[0].original.string
        number = wrong[0].original.line + blank[: -len(blank.lstrip())].count("\n")
        raise UserError(
            f"{path} line {number} cannot be read; write NAME=value, and quote a value "
            "that has quotes in it"
        )
    return {line.key: line.value or "" for line in lines if line.key}


def from_environment(
    names: Iterable[str], names_of_files: Iterable[str]
) -> dict[str, Given]:
    """What `from_variables` finds in this process's environment."""
    return from_variables(os.environ, "environment variable", names, names_of_files)


def from_variables(
    variables: Mapping[str, str],
    source: str,
    names: Iterable[str],
    names_of_files: Iterable[str],
) -> dict[str, Given]:
    """Variables called `names`; for `names_of_files` also files named by NAME_FILE.

    Values are not interpreted, and an empty variable is not set. A file's last line
    break is not part of its value.
    """
    given = {
        name: Given(variables[name], source) for name in names if variables.get(name)
    }
    for name in names_of_files:
        variable = f"{name}_FILE"
        if not (path := variables.get(variable)):
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
        if not value:
            raise UserError(
                f"{variable}={path} is empty; write the value into it, or unset "
                f"{variable}"
            )
        given[name] = Given(value, variable)
    return given
