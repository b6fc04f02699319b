"""Compare the requirements of `pyproject.toml` with what this Python has installed.

Standard library only, and nothing of this package: it also runs as a program, in a new
environment.
"""

import importlib
import re
import sys
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# A pin in a requirements file: "sqlalchemy[asyncio]==2.1.9 \\".
PIN = re.compile(
    r"^(?P<name>[\w.-]+)(?:\[(?P<extras>.+?)\])?==(?P<version>[^ ;\\]+)", re.MULTILINE
)
REQUIREMENT = re.compile(r"([\w.-]+)(?:\[.*?\])? *(?:>= *([\d.]+))?")


def missing(tools: bool) -> list[str]:
    """The distributions this Python lacks, for `run` or with `tools` for all."""
    return [name for name in _wanted(tools) if _version(name) is None]


def outdated(tools: bool) -> list[str]:
    """A sentence for each distribution that is older than the oldest allowed.

    Only a version's numbers are compared, and one that is too new is accepted.
    """
    found = []
    for name, oldest in _wanted(tools).items():
        version = _version(name)
        if version and _numbers(version) < _numbers(oldest):
            found.append(f"{name} is at {version}, and at least {oldest} is needed")
    return found


def broken(tools: bool) -> list[str]:
    """A sentence for each package that cannot be imported.

    It imports every package of app.txt, since a package may import another one late,
    and with `tools` also those of the `dev` group in pyproject.toml.
    """
    modules: dict[str, set[str]] = {}
    for module, owners in metadata.packages_distributions().items():
        for owner in owners:
            modules.setdefault(_canonical(owner), set()).add(module)
    found = []
    pinned = PIN.finditer((ROOT / "requirements" / "app.txt").read_text("utf-8"))
    names = [_canonical(pin["name"]) for pin in pinned]
    for name in dict.fromkeys([*names, *_wanted(tools)]):
        for module in sorted(filter(str.isidentifier, modules.get(name, ()))):
            try:
                importlib.import_module(module)
            except Exception as error:
                reason = str(error).partition("\n")[0]
                found.append(f"{name} cannot be imported ({reason})")
    return found


@cache
def _wanted(tools: bool) -> dict[str, str]:
    """The oldest allowed version of each distribution.

    A requirement with a marker is left out, as it is not for every platform.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    lines = project["project"].get("dependencies", [])
    if tools:
        lines = lines + project.get("dependency-groups", {}).get("dev", [])
    wanted = {}
    for line in lines:
        # A table includes another group, whose packages the tools do not need.
        if isinstance(line, str) and ";" not in line:
            match = REQUIREMENT.match(line)
            assert match, line
            wanted[_canonical(match[1])] = match[2] or "0"
    return wanted


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> list[int]:
    """The release as numbers that compare: 2.10.0b1 is [2, 10]."""
    release = re.match(r"[\d.]*", version)
    assert release
    numbers = [int(number) for number in release[0].split(".") if number]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return numbers


def _canonical(name: str) -> str:
    """A distribution's name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    tools = sys.argv[1:] == ["tools"]
    absent = [f"{name} is not in it" for name in missing(tools)]
    problems = absent or outdated(tools) or broken(tools)
    sys.exit(problems[0] if problems else 0)
