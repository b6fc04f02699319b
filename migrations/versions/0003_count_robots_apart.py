"""Count robots apart."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "counter_robots",
        sa.Column("counter_name", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("counter_name", "day", name=op.f("pk_counter_robots")),
    )
    op.create_index(op.f("ix_counter_robots_day"), "counter_robots", ["day"])


def downgrade() -> None:
    op.drop_table("counter_robots")
