import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from quart_chassis.database import psql
from quart_chassis.errors import UserError
from quart_chassis.features import load_settings
from quart_chassis.project import Project
from tests.quart_chassis.small_project import PATHS, SMALL, command


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
def test_a_database_elsewhere_may_not(
    project: Project, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "services").write_text("[theirs]\nhost=localhost\n")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
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


# What a shell may say of other servers.
ELSEWHERE = {
    "PGHOST": "db.invalid",
    "PGHOSTADDR": "127.0.0.2",
    "PGPORT": "1,2",
    "PGUSER": "nobody",
    "PGDATABASE": "other",
    "PGSERVICE": "none",
    "PGSERVICEFILE": "/none",
    "PGSSLMODE": "verify-full",
    "PGSSLNEGOTIATION": "direct",
    "PGREQUIREAUTH": "scram-sha-256",
    "PGGSSENCMODE": "require",
    "PGCHANNELBINDING": "require",
    "PGCONNECT_TIMEOUT": "soon",
    "PGTARGETSESSIONATTRS": "standby",
    "PGOPTIONS": "-c search_path=nowhere",
}


@pytest.mark.skipif(sys.platform == "win32", reason="the server has a port there")
@pytest.mark.parametrize("name", ["app", "a='b", "x://y", r"back\slash \' "])
def test_variables_of_a_shell_lead_nobody_away_from_the_development_database(
    new_folder: Path, seed: Path, name: str
) -> None:
    """psql took a name with `=` in it for an address, and PGHOSTADDR before all."""
    shutil.copytree(SMALL, new_folder)
    shutil.rmtree(new_folder / ".postgres", ignore_errors=True)
    subprocess.run(["cp", "-a", seed, new_folder / ".postgres"], check=True)
    given = {
        **{name: value for name, value in os.environ.items() if name[:2] != "DB"},
        **PATHS,
        **ELSEWHERE,
        "DATABASE_NAME": name,
        "ENV_FOR_DYNACONF": "development",
    }
    given.pop("DATABASE_URL", None)
    asked = "SELECT current_database() || count(*) FROM alembic_version"
    for words in (["migrate"], ["dbshell", "--", "-Atc", asked]):
        ended = subprocess.run(
            command(*words),
            cwd=new_folder,
            env=given,
            check=False,
            capture_output=True,
            text=True,
        )
        assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{name}1\n"
