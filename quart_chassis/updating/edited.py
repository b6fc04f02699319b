"""Which files of `quart_chassis/` a project has changed since it got them."""

import hashlib
from pathlib import Path

from quart_chassis.project import Project
from quart_chassis.updating.record import FILE, Record

FOLDER = "quart_chassis"
PASSED_OVER = {"__pycache__", ".mypy_cache", ".ruff_cache", ".DS_Store"}


def edited(project: Project) -> list[str]:
    """The files that were changed, deleted or added; none if there is no record.

    Line ends do not count. It needs neither git nor the boilerplate.
    """
    root = project.root
    if not (root / FILE).exists():
        return []
    rendered = Record.of(root).chassis
    if not rendered:
        return []
    present = {
        path.relative_to(root).as_posix()
        for path in (root / FOLDER).rglob("*")
        if path.is_file() and not PASSED_OVER & {*path.parts}
    }
    changed = [
        path for path in present & rendered.keys() if _changed(root, path, rendered)
    ]
    return sorted({*changed, *(present ^ rendered.keys())})


def blob_id(content: bytes) -> str:
    """The name git gives to a file's content."""
    header = b"blob %d\0" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()


def _changed(root: Path, path: str, rendered: dict[str, str]) -> bool:
    content = (root / path).read_bytes()
    alike = {blob_id(content), blob_id(content.replace(b"\r\n", b"\n"))}
    return rendered[path] not in alike
