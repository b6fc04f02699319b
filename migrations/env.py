"""Alembic starts here when it runs migrations."""

from alembic import context

from quart_chassis.database import revisions

revisions.run(context)
