"""What a changelog says that an older one did not."""

import re

HEADING = re.compile(r"^(#{2,}) ", re.MULTILINE)


def between(older: str, newer: str) -> str:
    """The entries of `newer` that `older` lacks, under their headings.

    A heading without any is left out.
    """
    known = {_words(entry) for entry in _entries(older)}
    kept: list[str] = []
    for entry in _entries(newer):
        level = _level(entry)
        if level:
            while kept and _level(kept[-1]) >= level:
                kept.pop()
            kept.append(entry)
        elif _words(entry) not in known:
            kept.append(entry)
    while kept and _level(kept[-1]):
        kept.pop()
    return "\n".join(kept)


def _entries(changelog: str) -> list[str]:
    """Headings, items of lists with their further lines, and paragraphs."""
    parts = re.split(r"\n(?=- |#|\n)", changelog)
    entries = [part.strip("\n") for part in parts]
    return [each for each in entries if each.strip() and not each.startswith("# ")]


def _level(entry: str) -> int:
    match = HEADING.match(entry)
    return len(match[1]) if match else 0


def _words(entry: str) -> str:
    return " ".join(entry.split())
