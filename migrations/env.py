"""Alembic starts here when it runs migrations."""

from alembic import context

from quart_chassis.commands import alembic_environment

alembic_environment.run(context)
