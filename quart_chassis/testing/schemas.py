"""A database's schema as text, so that two can be compared."""

import subprocess

from quart_chassis.postgres import programs


def schema_of(database: str) -> str:
    """The schema at this address, from `pg_dump`, without Alembic's own table.

    Columns are sorted, because a migration can only add them at the end.
    """
    dumped = subprocess.run(
        [
            *(programs.find() / "pg_dump", "--schema-only", "--no-owner"),
            *("--exclude-table", "alembic_version", database),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    # Lines with a backslash have a random token, which differs in each dump.
    lines = (
        line
        for line in dumped.stdout.splitlines()
        if line and not line.startswith(("\\", "--"))
    )
    statements = "\n".join(lines).split(";\n")
    return "\n".join(sorted(map(_sorted_inside, statements)))


def _sorted_inside(statement: str) -> str:
    if not statement.startswith("CREATE TABLE"):
        return statement
    first, *inside = statement.split("\n")
    return "\n".join([first, *sorted(line.rstrip(",") for line in inside)])
