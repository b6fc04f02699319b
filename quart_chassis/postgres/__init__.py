"""The development database, a PostgreSQL of the checkout's own."""
