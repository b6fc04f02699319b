"""Requirements files of both sides in one: pins of two versions always conflict."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from quart_chassis.installation.dependencies import PIN


def merged(ours: str, theirs: str) -> str:
    """The boilerplate's pins, and those of packages that only the project has.

    All pins of a package (one for each marker) come from one side.
    """
    known = {name for name, _ in _blocks(theirs)}
    added = [block for block in _blocks(ours) if block[0] not in known]
    together = sorted([*_blocks(theirs), *added], key=lambda block: block[0])
    head = theirs[: match.start()] if (match := PIN.search(theirs)) else theirs
    return head + "".join(block for _, block in together)


def wanted(pyproject: str) -> str | None:
    """What the requirements are compiled from; None if the file cannot be read."""
    try:
        content = tomllib.loads(pyproject)
    except ValueError:
        return None
    project = content.get("project", {})
    own = [project.get(each) for each in ("requires-python", "dependencies")]
    return json.dumps([own, content.get("dependency-groups")], sort_keys=True)


def compiled(
    folder: Path, pyproject: str, files: Mapping[str, str]
) -> dict[str, str] | None:
    """The files compiled by the newer version's `lock`; None if that fails.

    `folder` has the newer version as it is rendered for the project.
    """
    (folder / "pyproject.toml").write_text(pyproject, "utf-8", newline="")
    for path, content in files.items():
        (folder / path).write_text(content, "utf-8", newline="")
    ran = subprocess.run(
        [sys.executable, "-m", "quart_chassis.commands", "lock"],
        cwd=folder,
        env=os.environ,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if ran.returncode != 0:
        return None
    return {path: (folder / path).read_text("utf-8") for path in files}


def _blocks(text: str) -> list[tuple[str, str]]:
    """Each pin with its hashes and comments, after its package's name."""
    pins = list(PIN.finditer(text))
    ends = [pin.start() for pin in pins[1:]] + [len(text)]
    return [
        (pin["name"].lower(), text[pin.start() : end])
        for pin, end in zip(pins, ends, strict=True)
    ]
