"""The tables of counting."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Table,
    Text,
    bindparam,
    column,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine

from my_app.schema import metadata

# Every commit rewrites a counter's row. Half of each page stays free, so that the new
# version of a row fits beside the old one and no index changes (a HOT update);
# docs/counter_app/decisions.md has the measurement.
counters = Table(
    "counters",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
    Column(
        "created_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
    ),
    Column(
        "updated_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
    ),
    # What was set, what was counted before there were days, and what old days counted.
    # Less than 0 after a counter was set to less than it has counted.
    Column("base", BigInteger, nullable=False),
    CheckConstraint("value >= 0", name="value_not_negative"),
    postgresql_with={"fillfactor": 50},
)

# What each counter counted on each day, in UTC. Its base and its days add up to its
# value at every commit. Whoever writes here has locked the counter's row. The index on
# day serves the janitor.
counter_days = Table(
    "counter_days",
    metadata,
    Column("counter_name", Text, primary_key=True),
    Column("day", Date, primary_key=True, index=True),
    Column("value", BigInteger, nullable=False),
    CheckConstraint("value > 0", name="value_positive"),
    postgresql_with={"fillfactor": 50},
)

# How often robots saw each counter on each day, in UTC; no visits, and no part of the
# counter's value.
counter_robots = Table(
    "counter_robots",
    metadata,
    Column("counter_name", Text, primary_key=True),
    Column("day", Date, primary_key=True, index=True),
    Column("value", BigInteger, nullable=False),
)

# How much strangers asked for in each minute, of each kind that is bounded; it is
# written only where something new is made.
counter_budgets = Table(
    "counter_budgets",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("minute", DateTime(timezone=True), primary_key=True),
    Column("asked", BigInteger, nullable=False),
)

# The answer to each Idempotency-Key, so that a replay is not counted again. The index
# on created_at serves the deletion of old keys.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("counter_name", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    # Null until the transaction that claims the key has counted.
    Column("value", BigInteger),
    Column(
        "created_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
        index=True,
    ),
)


def unnested(**types: type[TypeEngine[Any]] | TypeEngine[Any]) -> Any:
    """Columns of these types, read from array parameters: NAME's array is NAMEs."""
    arrays = (bindparam(f"{name}s", type_=ARRAY(kind)) for name, kind in types.items())
    columns = (column(name, kind) for name, kind in types.items())
    return func.unnest(*arrays).table_valued(*columns).render_derived().c
