"""The tables of notes, and of the shelves where they lie."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Integer,
    Numeric,
    String,
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

shelves = Table(
    "shelves",
    metadata,
    Column("number", BigInteger, Identity(), primary_key=True),
    Column("name", String(40), nullable=False, unique=True),
    Column("width", Integer, nullable=False),
    Column("price", Numeric(8, 2)),
    Column("bought_on", Date),
    Column("seen_at", DateTime(timezone=True)),
    Column("above", ForeignKey("shelves.number")),
    CheckConstraint("width > 0", name="width_positive"),
)
