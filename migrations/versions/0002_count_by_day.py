"""Count by day, and bound what strangers make.

What a counter had counted before becomes its base. No worker of an older release may
count from here on: it would add to the value alone.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("counters", sa.Column("base", sa.BigInteger(), nullable=True))
    op.execute("UPDATE counters SET base = value")
    op.alter_column("counters", "base", nullable=False)
    op.create_table(
        "counter_days",
        sa.Column("counter_name", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("value > 0", name=op.f("ck_counter_days_value_positive")),
        sa.PrimaryKeyConstraint("counter_name", "day", name=op.f("pk_counter_days")),
        postgresql_with={"fillfactor": 50},
    )
    op.create_index(op.f("ix_counter_days_day"), "counter_days", ["day"])
    op.create_table(
        "counter_budgets",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "minute", name=op.f("pk_counter_budgets")),
    )


def downgrade() -> None:
    op.drop_table("counter_budgets")
    op.drop_table("counter_days")
    op.drop_column("counters", "base")
