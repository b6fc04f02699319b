"""How fast the application is beside others, on one machine and one PostgreSQL."""
