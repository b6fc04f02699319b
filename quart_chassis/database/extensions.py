"""What belongs to PostgreSQL's extensions, and so to nobody's migrations."""

from sqlalchemy import Connection, text

# Tables and types that an extension brought (pg_depend, "deptype e").
OWNED = text("""
    SELECT relname FROM pg_class JOIN pg_depend ON objid = pg_class.oid
    WHERE classid = 'pg_class'::regclass AND deptype = 'e'
    UNION ALL
    SELECT typname FROM pg_type JOIN pg_depend ON objid = pg_type.oid
    WHERE classid = 'pg_type'::regclass AND deptype = 'e'
""")


def objects(connection: Connection) -> set[str]:
    """The names of an extension's tables and types, such as `spatial_ref_sys`."""
    names = {str(name) for name in connection.execute(OWNED).scalars()}
    # Whoever asked begins a transaction of their own.
    connection.rollback()
    return names
