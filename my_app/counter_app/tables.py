"""The tables of counting."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Table,
    Text,
    func,
)

from my_app.db import metadata

# A counter's row is written by every commit. Half of each page is left free, so that
# the new version of a row finds room beside the old one and no index is touched
# (a HOT update); see docs/decisions.md for the measurement.
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
    CheckConstraint("value >= 0", name="value_not_negative"),
    postgresql_with={"fillfactor": 50},
)

# What a request with an Idempotency-Key was answered, so that its repetition is not
# counted again. The index on the time serves the removal of old ones.
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
