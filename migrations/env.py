"""Runs the migrations on the connection that `my_app.migrate` hands over."""

from alembic import context

# The application brings every feature's tables along; without them a new migration
# would drop what they describe.
import my_app.application  # noqa: F401
from my_app import UserError
from my_app.db import metadata

connection = context.config.attributes.get("connection")
if connection is None:
    raise UserError("use python3 manage.py migrate: it takes the lock that this lacks")

context.configure(
    connection=connection,
    target_metadata=metadata,
    # Each migration is whole or not there at all. One that cannot run inside a
    # transaction (CREATE INDEX CONCURRENTLY) leaves it with
    # op.get_context().autocommit_block().
    transaction_per_migration=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
