"""Everything that CI checks besides the tests, each with a line of its own."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pin import FILES

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from my_app import cli, settings  # noqa: E402
from my_app.dependencies import PIN  # noqa: E402

ADDRESS = re.compile(r"https?://")


def main() -> int:
    """Run every check; the status is 1 if one fails."""
    programs = {
        "format": ["ruff", "format", "--check", "."],
        "lint": ["ruff", "check", "."],
        "types": ["mypy"],
    }
    failed = False
    for name, command in programs.items():
        ran = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
        )
        failed |= _tell(name, [ran.stdout + ran.stderr] if ran.returncode else [])
    failed |= _tell("requirements", list(requirements_problems()))
    failed |= _tell("documents", list(document_problems()))
    return int(failed)


def _tell(name: str, problems: list[str]) -> bool:
    print(f"{name}: {'FAILED' if problems else 'ok'}", flush=True)
    for problem in problems:
        print(f"  {problem}")
    return bool(problems)


def requirements_problems() -> Iterator[str]:
    """Where requirements/ and pyproject.toml do not say the same.

    What pyproject.toml asks for must be pinned to a version it allows, nothing else may
    be pinned on its behalf, and what one file pins the next larger one pins alike.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    groups = project["dependency-groups"]
    wanted = {"app": project["project"]["dependencies"]}
    wanted["run"] = wanted["app"] + groups["run"]
    wanted["tracing"] = wanted["app"] + groups["tracing"]
    wanted["dev"] = wanted["run"] + groups["tracing"]
    wanted["dev"] += [entry for entry in groups["dev"] if isinstance(entry, str)]
    pinned: dict[str, set[tuple[str, str]]] = {}
    for lock, held in FILES.items():
        path = ROOT / "requirements" / f"{lock}.txt"
        text = path.read_text("utf-8")
        if ADDRESS.search(text):
            yield f"{path.name} holds an address"
        pins = list(PIN.finditer(text))
        pinned[lock] = {(pin["name"], pin["version"]) for pin in pins}
        for name in held:
            if lost := pinned[name] - pinned[lock]:
                yield f"{path.name} lacks or pins otherwise {sorted(lost)[0]}"
        needed = {
            canonicalize_name(requirement.name): requirement
            for requirement in map(Requirement, wanted[lock])
        }
        for name, requirement in needed.items():
            own = [pin for pin in pins if canonicalize_name(pin["name"]) == name]
            if not own or not all(_meets(pin, requirement) for pin in own):
                lines = [pin[0] for pin in own]
                yield f"{path.name} has {lines or 'no pin'} for {requirement}"
        for extra in _pinned_for_the_project(text) - needed.keys():
            yield f"{path.name} pins {extra}, which pyproject.toml does not ask for"


def _meets(pin: re.Match[str], requirement: Requirement) -> bool:
    """Whether it pins a version that is allowed, with the extras that are asked for.

    An old pip takes no pin of the bare name for one with extras.
    """
    extras = set((pin["extras"] or "").split(","))
    return requirement.extras <= extras and pin["version"] in requirement.specifier


def _pinned_for_the_project(text: str) -> set[str]:
    """The packages whose pin says `via my-app`."""
    found, name = set(), ""
    for line in text.splitlines():
        if match := PIN.match(line):
            name = canonicalize_name(match["name"])
        elif "my-app (pyproject.toml" in line:
            found.add(name)
    return found


def document_problems() -> Iterator[str]:
    """Commands and settings that the documents lack, or name without cause."""
    paths = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *(ROOT / "docs").glob("*.md"),
    ]
    text = "\n".join(path.read_text("utf-8") for path in paths)
    named = set(re.findall(r"manage\.py ([a-z]+)", text))
    commands = set(cli.command_names())
    for name in commands - named:
        yield f"the command {name} stands in no document"
    for name in named - commands:
        yield f"the documents name the command {name}, which there is not"
    toml = (ROOT / "settings.toml").read_text("utf-8")
    commented = re.findall(
        r"^# .+\n([A-Z_]+) = ", toml.partition("\n[default]\n")[2], re.M
    )
    for name in set(settings.NAMES) - set(commented):
        yield f"settings.toml [default] lacks {name}, or a comment above it"
    declared = {*settings.NAMES, *(f"{name}_FILE" for name in settings.FROM_FILES)}
    for name in _settings_named(text) - declared:
        yield f"the documents name the setting {name}, which there is not"


def _settings_named(text: str) -> set[str]:
    """Words in backquotes that look like one of our settings."""
    words = set(re.findall(r"`([A-Z][A-Z_]+[A-Z])(?:=[^`]*)?`", text))
    return words - NOT_SETTINGS


# Written like settings, but somebody else's.
NOT_SETTINGS = {
    *("ENV_FOR_DYNACONF", "TEST_DATABASE_URL", "CI", "PATH"),
    *("COMMIT", "GET", "NOTIFY", "TCP_USER_TIMEOUT"),
    *("PROMETHEUS_MULTIPROC_DIR", "OTEL_SPAN_LINK_COUNT_LIMIT"),
}

if __name__ == "__main__":
    sys.exit(main())
