"""What a changelog says that an older one did not."""

import re
from collections.abc import Iterator

HEADING = re.compile(r"(#+) ")
UNRELEASED = "## Unreleased"


def between(older: str, newer: str) -> str:
    """The entries of `newer` that `older` lacks, under their headings.

    What was unreleased and now stands under a version is known. A heading without any
    entry is left out.
    """
    known = set(_entries(older))
    versions = {section for section, _ in known} - {UNRELEASED}
    kept: list[str] = []
    for section, entry in _entries(newer):
        if level := _level(entry):
            while kept and _level(kept[-1]) >= level:
                kept.pop()
            kept.append(entry)
        elif (section, entry) in known:
            continue
        elif section in versions or (UNRELEASED, entry) not in known:
            kept.append(entry)
    while kept and _level(kept[-1]):
        kept.pop()
    return "\n".join(kept)


def _entries(changelog: str) -> Iterator[tuple[str, str]]:
    """Headings, items of lists with their further lines, and paragraphs.

    Each comes with the heading of its version, and is left out before the first one.
    """
    section = ""
    for part in re.split(r"\n(?=- |#|\n)", changelog):
        entry = part.strip("\n")
        if _level(entry) == 2:
            section = entry
        if section and entry.strip():
            yield section, entry


def _level(entry: str) -> int:
    match = HEADING.match(entry)
    return len(match[1]) if match else 0
