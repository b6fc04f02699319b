"""The table of notes."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Identity,
    Table,
    Text,
    func,
)

from small_app.schema import metadata

notes = Table(
    "notes",
    metadata,
    Column("number", BigInteger, Identity(), primary_key=True),
    Column("text", Text, nullable=False),
    Column(
        "created_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
    ),
    CheckConstraint("text <> ''", name="text_not_empty"),
)
