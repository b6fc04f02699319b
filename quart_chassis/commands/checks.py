"""The checks of requirements/ and of settings.toml."""

import re
import tomllib
from collections.abc import Collection, Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from quart_chassis.commands.lock import FILES
from quart_chassis.installation.dependencies import PIN

ADDRESS = re.compile(r"https?://")


def requirements_problems(root: Path) -> Iterator[str]:
    """Where requirements/ and pyproject.toml disagree.

    Each requirement of pyproject.toml must be pinned to an allowed version, no pin may
    be for a requirement it lacks, and a file must have the pins of those it includes.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    groups = project["dependency-groups"]
    wanted = {"app": project["project"]["dependencies"]}
    wanted["run"] = wanted["app"] + groups["run"]
    wanted["tracing"] = wanted["app"] + groups["tracing"]
    wanted["dev"] = wanted["run"] + groups["tracing"]
    wanted["dev"] += [entry for entry in groups["dev"] if isinstance(entry, str)]
    pinned: dict[str, set[tuple[str, str]]] = {}
    for lock, held in FILES.items():
        path = root / "requirements" / f"{lock}.txt"
        text = path.read_text("utf-8")
        if ADDRESS.search(text):
            yield f"{path.name} contains a URL"
        pins = list(PIN.finditer(text))
        pinned[lock] = {(pin["name"], pin["version"]) for pin in pins}
        for name in held:
            if lost := pinned[name] - pinned[lock]:
                yield f"{path.name} lacks or pins differently {sorted(lost)[0]}"
        needed = {
            canonicalize_name(requirement.name): requirement
            for requirement in map(Requirement, wanted[lock])
        }
        for name, requirement in needed.items():
            own = [pin for pin in pins if canonicalize_name(pin["name"]) == name]
            if not own or not all(_meets(pin, requirement) for pin in own):
                lines = [pin[0] for pin in own]
                yield f"{path.name} has {lines or 'no pin'} for {requirement}"
        for extra in _pinned_for(project["project"]["name"], text) - needed.keys():
            yield f"{path.name} pins {extra}, which pyproject.toml does not ask for"


def _meets(pin: re.Match[str], requirement: Requirement) -> bool:
    """Whether the pin has an allowed version and the required extras.

    An old pip does not accept a pin without extras for a requirement with extras.
    """
    extras = set((pin["extras"] or "").split(","))
    return requirement.extras <= extras and pin["version"] in requirement.specifier


def _pinned_for(project: str, text: str) -> set[str]:
    """The packages whose pin says `via` the project."""
    found, name = set(), ""
    for line in text.splitlines():
        if match := PIN.match(line):
            name = canonicalize_name(match["name"])
        elif f"{project} (pyproject.toml" in line:
            found.add(name)
    return found


def settings_problems(root: Path, declared: Collection[str]) -> Iterator[str]:
    """What settings.toml lacks in [default], has without a comment, or has in vain."""
    toml = (root / "settings.toml").read_text("utf-8")
    for part, values in tomllib.loads(toml).items():
        for name in sorted(set(values) - set(declared)):
            yield f"settings.toml [{part}] has {name}, which no feature declares"
    section = toml.partition("\n[default]\n")[2]
    commented = set(re.findall(r"^# .+\n([A-Z0-9_]+) = ", section, re.MULTILINE))
    for name in sorted(set(declared) - commented):
        yield f"settings.toml [default] lacks {name}, or a comment above it"
