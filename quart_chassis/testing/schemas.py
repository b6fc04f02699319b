"""A database's schema as text, so that two can be compared."""

import subprocess

from quart_chassis.postgres import programs


def schema_of(database: str) -> str:
    """What `pg_dump` says of the schema at this address, but for Alembic's own table.

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
    # A dump has a random token in it, so that nothing in it can be a command.
    lines = (
        line
        for line in dumped.stdout.splitlines()
        if line and not line.startswith(("\\", "--"))
    )
    statements = "\n".join(lines).split(";\n")
    return "\n".join(sorted(map(_sorted_inside, statements)))


def _sorted_inside(statement: str) -> str:
    first, *inside = statement.split("\n")
    return "\n".join([first, *sorted(line.rstrip(",") for line in inside)])
