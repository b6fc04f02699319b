"""Whose process it is that a lock file of PostgreSQL names, as Linux tells."""

from pathlib import Path


def is_server_of(data: Path, file: Path) -> bool:
    """Whether the process that the lock file `file` names runs on `data`.

    FileNotFoundError if there is no file, or no such process. What cannot be known is
    taken for its server; PostgreSQL then looks into it itself.
    """
    number, *rest = file.read_text("utf-8", "replace").split("\n")
    process = Path("/proc") / number.strip()
    told = (process / "stat").read_text("utf-8")
    before, _, after = told.rpartition(")")
    if before.partition("(")[2] != "postgres" or after.split()[0] in "ZX":
        return False
    if process.stat().st_uid != data.stat().st_uid:
        return False
    try:
        # PostgreSQL's working folder is its data.
        return (process / "cwd").samefile(data)
    except PermissionError:
        # A container's root may not look. A copied file names where it comes from.
        named = Path(rest[0]) if rest else data
        return not named.exists() or named.samefile(data)
