"""How the counters' tables are sharded, and what is wrong with what was sent."""

from collections.abc import Iterable
from pathlib import Path

from quart_chassis.testing.sharding import problems_of_statement, sharded_by
from quart_chassis.testing.statements import Sent

DOCS = Path(__file__).parents[2] / "docs" / "counter_app"
SHARDED = sharded_by((DOCS / "citus.sql").read_text("utf-8"))


def problems(sent: Iterable[Sent]) -> list[str]:
    """What Citus would refuse, with the lines that send it."""
    return [
        f"{path}:{line}: {problem}"
        for statement, path, line in sent
        for problem in problems_of_statement(statement, SHARDED)
    ]
