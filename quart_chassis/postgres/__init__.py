"""The development database: a PostgreSQL server for each checkout."""
