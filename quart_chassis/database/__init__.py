"""Transactions, and the errors of an unavailable database."""

from sqlalchemy import MetaData

from quart_chassis.database.connections import (
    Statement,
    Succession,
    in_succession,
)
from quart_chassis.database.transactions import begin, begin_snapshot, wait_seconds
from quart_chassis.database.unavailable import (
    DatabaseUnavailable,
    error_of_driver,
    remedy,
    says_unavailable,
    words_of,
)

__all__ = [
    "DatabaseUnavailable",
    "Statement",
    "Succession",
    "begin",
    "begin_snapshot",
    "error_of_driver",
    "in_succession",
    "new_metadata",
    "remedy",
    "says_unavailable",
    "wait_seconds",
    "words_of",
]


def new_metadata() -> MetaData:
    """The MetaData for an application's tables.

    It names every constraint; a migration could not refer to a name that PostgreSQL
    chose.
    """
    return MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        }
    )
