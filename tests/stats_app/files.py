"""Files of counters, and what the database has of them."""

import datetime as dt
import json
from typing import Any

import asyncpg

ROWS = """
    SELECT name, value, base, created_at, updated_at,
        (SELECT json_object_agg(day, days.value ORDER BY day)::text
         FROM counter_days AS days WHERE counter_name = name)
    FROM counters ORDER BY name COLLATE "C"
"""
TODAY = dt.datetime.now(dt.UTC).date()
TIME = "2026-01-02T03:04:05.678901Z"
HEAD = {"format": "counters", "version": 1, "exported_at": TIME}


def counter(name: str, **members: Any) -> dict[str, Any]:
    """A counter's line, of which some members are otherwise."""
    usual = {"value": 9, "base": 2, "days": {"2026-01-01": 3, "2026-01-02": 4}}
    times = {"created_at": TIME, "updated_at": TIME}
    return {"name": name, **usual, **times, **members}


def file_of(*lines: Any, head: Any = HEAD, end: Any = None) -> bytes:
    """The file of these lines; what is no dictionary is taken as it is."""
    whole = [head, *lines, end or {"end": True, "counters": len(lines)}]
    return b"".join(
        line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n"
        for line in whole
    )


async def rows_of(database: str) -> list[tuple[Any, ...]]:
    """Every counter with its days."""
    connection = await asyncpg.connect(database)
    found = await connection.fetch(ROWS)
    await connection.close()
    return [tuple(row) for row in found]


async def fill(database: str, counters: int, days: int) -> None:
    """Make as many counters, with as many days each."""
    connection = await asyncpg.connect(database)
    await connection.execute(
        f"""
        INSERT INTO counters (name, value, base)
        SELECT 'c' || number, {days} + 5, 5 FROM generate_series(1, {counters}) number;
        INSERT INTO counter_days
        SELECT name, (now() AT TIME ZONE 'utc')::date - ago, 1
        FROM counters, generate_series(0, {days - 1}) AS ago
        """
    )
    await connection.close()
