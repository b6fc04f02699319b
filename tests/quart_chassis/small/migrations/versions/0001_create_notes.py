"""Create the table of notes."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "notes",
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("text <> ''", name=op.f("ck_notes_text_not_empty")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_notes")),
    )
    op.create_table(
        "shelves",
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("price", sa.Numeric(precision=8, scale=2), nullable=True),
        sa.Column("bought_on", sa.Date(), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("above", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("width > 0", name=op.f("ck_shelves_width_positive")),
        sa.ForeignKeyConstraint(
            ["above"], ["shelves.number"], name=op.f("fk_shelves_above_shelves")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_shelves")),
        sa.UniqueConstraint("name", name=op.f("uq_shelves_name")),
    )


def downgrade() -> None:
    op.drop_table("shelves")
    op.drop_table("notes")
