"""Each shape of a database's address leads asyncpg and psql to the same place."""

import asyncio
import os
import subprocess

import pytest
from sqlalchemy import text

from quart_chassis.database import psql
from quart_chassis.database.engines import make_engine
from quart_chassis.database.hosts import Hosts
from quart_chassis.features import load_settings
from quart_chassis.project import Project
from quart_chassis.settings.database_url import DatabaseUrl, parse
from quart_chassis.testing.postgres import OwnPostgres
from tests.quart_chassis.small_project import run

ASKED = "SELECT inet_server_port() || ' ' || current_database()"
# As OwnPostgres has it.
USER = "app"
# Nobody listens on port 1. H, P, U and W are the server's host, port, user and
# password, and Q is the user, quoted.
SHAPES = [
    "postgresql://{U}:{W}@{H}:{P}/app",
    "postgres://{U}:{W}@{H}:{P}/app",
    "postgresql://{U}:{W}@{H}:{P}/app?sslmode=prefer",
    "postgresql://{U}:{W}@{H}:{P}/app?ssl=true&sslmode=prefer",
    "postgresql://{U}:{W}@127.0.0.1:1,{H}:{P}/app",
    "postgresql://{U}:{W}@{H}:{P},127.0.0.1:1/app?target_session_attrs=read-write",
    "postgresql://{U}:{W}@/app?host={H}&port={P}",
    "postgresql:///app?host={H}&port={P}&user={U}&password={W}",
    "postgresql://?host={H}&port={P}&user={U}&password={W}&dbname=app",
    "postgresql://{H}:{P}?user={U}&password={W}&dbname=app",
    "postgresql://{U}:{W}@{H}/app?port={P}",
    # What stands in the query counts, as for libpq.
    "postgresql://{U}:{W}@127.0.0.2:1/app?host={H}&port={P}",
    "postgresql://{U}:{W}@{H}:1/app?port={P}",
    "postgresql://{U}:{W}@{H}:{P}/other?dbname=app",
    "postgresql://other:{W}@{H}:{P}/app?user={U}",
    "postgresql://{U}:wrong@{H}:{P}/app?password={W}",
    "postgresql://{U}:{W}@a.invalid,b.invalid/other?host={H}&port={P}&dbname=app",
    "postgresql://{U}:{W}@127.0.0.1:1/app?host=127.0.0.1,{H}&port=1,{P}",
    "postgresql://{U}:{W}@{H}:{P}/app?connect_timeout=5",
    "postgresql://{U}:{W}@{H}:{P}/app?application_name=a%20b",
    "postgresql://{U}:{W}@{H}:{P}/app?fallback_application_name=a",
    "postgresql://{U}:{W}@{H}:{P}/app?keepalives=1&keepalives_idle=30&keepalives_count=3",
    "postgresql://{U}:{W}@{H}:{P}/app?tcp_user_timeout=1000",
    "postgresql://{U}:{W}@{H}:{P}/app?gssencmode=disable",
    "postgresql://{U}:{W}@{H}:{P}/app?channel_binding=prefer",
    "postgresql://{U}:{W}@{H}:{P}/app?client_encoding=utf8",
    "postgresql://{U}:{W}@{H}:{P}/app?sslsni=1&sslcompression=0",
    "postgresql://{U}:{W}@{H}:{P}/app?options=-c%20statement_timeout%3D5000",
    "host={H} port={P} user={U} password={W} dbname=app",
    "host = {H} port = {P} user = {U} password = {W} dbname = app",
    "  host='{H}' port='{P}' user='{U}' password='{W}' dbname='app'  ",
    "host={H} port={P} user={U} password={W} dbname=app sslmode=prefer",
    "host=127.0.0.1,{H} port=1,{P} user={U} password={W} dbname=app",
    "host=a.invalid host={H} port={P} user={U} password={W} dbname=app",
    "host={H} port={P} user={U} password={W} dbname=app application_name='it\\'s \\\\'",
    "host={H} port={P} user={U} password={W} dbname=app options='-c jit=off'",
    "dbname=app\tuser={U}\npassword={W} host={H} port={P}",
    "postgresql://{U}:{W}@%31%32%37.0.0.1:{P}/app",
    "postgresql://{U}:{W}@{H}:{P}/%61pp",
    "postgresql://{Q}:{W}@{H}:{P}/app",
]


def filled(shape: str, server: OwnPostgres) -> str:
    quoted = "".join(f"%{ord(each):02X}" for each in USER)
    given = {"H": "127.0.0.1", "P": server.port, "U": USER, "W": server.password}
    return shape.format(**given, Q=quoted)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_leads_to_the_same_place(
    own_postgres: OwnPostgres, shape: str
) -> None:
    url = parse(filled(shape, own_postgres), "DATABASE_URL")
    reached = asyncio.run(reached_by_asyncpg(url))
    assert reached == f"{own_postgres.port} app"
    assert own_postgres.password not in url.dsn_without_password
    shown = subprocess.run(
        [own_postgres.binaries / "psql", "-Atc", ASKED, url.dsn_without_password],
        env={**os.environ, "PGPASSWORD": url.password},
        check=False,
        capture_output=True,
        text=True,
    )
    assert shown.stdout.strip() == reached, shown.stderr


@pytest.mark.parametrize("shape", SHAPES)
async def test_what_migrates_serves_and_empties_goes_where_the_shape_says(
    project: Project, own_postgres: OwnPostgres, shape: str
) -> None:
    url = filled(shape, own_postgres)
    given = {"ENV_FOR_DYNACONF": "development", "DATABASE_URL": url}
    settings = load_settings(project, **given)
    assert settings.database_name == "app"
    psql.refuse_unless_development(settings)
    engine = make_engine(settings)
    async with engine.connect() as connection:
        reached = await connection.scalar(text(ASKED))
    await engine.dispose()
    assert reached == f"{own_postgres.port} app"


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_the_commands_go_to_the_same_database(
    own_postgres: OwnPostgres, shape: str
) -> None:
    given = {
        "DATABASE_URL": filled(shape, own_postgres),
        "ENV_FOR_DYNACONF": "development",
        "PATH": f"{own_postgres.binaries}{os.pathsep}{os.environ['PATH']}",
    }
    emptied = run("resetdb", typed="app\n", **given)
    assert emptied.returncode == 0, emptied.stderr
    asked = f"{ASKED} || ' ' || count(*) FROM alembic_version"
    shown = run("dbshell", "--", "-Atc", asked, **given)
    assert shown.stdout.strip() == f"{own_postgres.port} app 1", shown.stderr


async def reached_by_asyncpg(url: DatabaseUrl) -> object:
    connection = await Hosts().connect(url.asyncpg_arguments(), timeout=20)
    try:
        return await connection.fetchval(ASKED)
    finally:
        await connection.close()
