import pytest

from quart_chassis.database import psql
from quart_chassis.errors import UserError
from quart_chassis.features import load_settings
from quart_chassis.project import Project


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://localhost/app",
        "postgresql://127.0.0.1:5433/app",
        "postgresql://[::1]:5433/app",
        "postgresql:///app?host=/run/postgresql",
    ],
)
def test_a_database_on_this_machine_may_be_emptied(project: Project, url: str) -> None:
    chosen = load_settings(project, ENV_FOR_DYNACONF="development", DATABASE_URL=url)
    psql.refuse_unless_development(chosen)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://db.example/app",
        "postgresql://10.0.0.1/app",
        "postgresql://localhost,db.example/app",
        "postgresql:///app",
        "postgresql:///app?service=theirs",
    ],
)
def test_a_database_elsewhere_may_not(project: Project, url: str) -> None:
    chosen = load_settings(project, ENV_FOR_DYNACONF="development", DATABASE_URL=url)
    with pytest.raises(UserError, match="on this machine only"):
        psql.refuse_unless_development(chosen)


def test_what_has_no_name_is_not_emptied(project: Project) -> None:
    url = "postgresql://localhost"
    chosen = load_settings(project, ENV_FOR_DYNACONF="development", DATABASE_URL=url)
    with pytest.raises(UserError, match="must know what it empties"):
        psql.refuse_unless_development(chosen)


def test_without_psql_it_is_told_what_to_install(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="install PostgreSQL's client"):
        psql.run_client(load_settings(project, DB_HOST="db.example"), "psql", [])
