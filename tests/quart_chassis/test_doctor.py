"""Each thing that stands in the way is named, with what to do about it."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from quart_chassis import commands
from quart_chassis.testing.postgres import OwnPostgres, free_port
from tests.quart_chassis.migrating import add_column, execute, in_checkout, to
from tests.quart_chassis.small_project import PATHS

PRODUCTION = {"SECRET_KEY": "k" * 32}
Doctor = Callable[..., tuple[int, str]]


@pytest.fixture
def doctor(
    checkout: Path,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Doctor:
    """Its status and what it says in the checkout, whose code is not read again."""
    monkeypatch.chdir(checkout)

    def ask(**environment: str) -> tuple[int, str]:
        given = {"DATABASE_URL": database, "PORT": str(free_port()), **PRODUCTION}
        for name, value in (given | environment).items():
            monkeypatch.setenv(name, value)
        status = commands.main(["doctor"])
        return status, capsys.readouterr().out

    return ask


@pytest.fixture
def fresh_doctor(checkout: Path, database: str) -> Doctor:
    """The same in a process of its own, for a checkout whose code was changed."""

    def ask() -> tuple[int, str]:
        given = {"PORT": str(free_port()), **PRODUCTION, **PATHS}
        ran = in_checkout(checkout, database, "doctor", **given)
        assert "Traceback" not in ran.stderr
        assert "Running upgrade" not in ran.stderr
        return ran.returncode, ran.stdout

    return ask


@pytest.fixture(autouse=True)
def in_order(checkout: Path) -> None:
    """There is a repository, and no requirement that could be wrong."""
    git(checkout, "init", "--quiet")
    path = checkout / "pyproject.toml"
    text = path.read_text("utf-8").replace(
        'version = "', 'dependencies = []\nversion = "'
    )
    path.write_text(
        text + "\n[dependency-groups]\nrun = []\ntracing = []\ndev = []\n", "utf-8"
    )


def git(checkout: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=checkout, check=True)


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_where_all_is_well_that_is_told(doctor: Doctor) -> None:
    status, told = doctor(
        TRUSTED_HOSTS="example.org", METRICS="false", ADMIN_TOKEN="t" * 16
    )
    assert told == "To run: all is well\nTo deploy: all is well\n"
    assert status == 0


def test_what_production_will_need_is_no_obstacle(doctor: Doctor) -> None:
    status, told = doctor(SECRET_KEY="", DATABASE_URL="", DB_HOST="embedded")
    assert "  - production will need SECRET_KEY\n" in told
    assert "  - production will need DATABASE_URL\n" in told
    assert "!" not in told
    assert status == 0


def test_what_production_is_given_in_the_settings_is_not_missed(
    doctor: Doctor, checkout: Path
) -> None:
    production = '[production]\nDB_HOST = "db.example"'
    replace(checkout / "settings.toml", "[production]", production)
    status, told = doctor(DATABASE_URL="")
    assert "production will need" not in told
    assert status == 0


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("PORT", "abc", "! PORT = 'abc' (environment variable) is not valid"),
        (
            "DATABASE_URL",
            "postgresql://u@127.0.0.1:1/app",
            "! the database at 127.0.0.1",
        ),
        ("ADMIN_TOKEN", "short", "! ADMIN_TOKEN must have 16 characters"),
        ("WORKERS", "64", "! WORKERS times DB_POOL_SIZE is 320 connections"),
    ],
)
def test_a_setting_that_cannot_work_is_named(
    doctor: Doctor, setting: str, value: str, told: str
) -> None:
    status, said = doctor(**{setting: value})
    assert status == 1
    assert told in said


def test_hosts_of_which_any_is_taken_are_named(
    doctor: Doctor, own_postgres: OwnPostgres
) -> None:
    host = f"{own_postgres.address}:{own_postgres.port}"
    address = own_postgres.url().replace(host, f"{host},127.0.0.1:1")
    _, told = doctor(DATABASE_URL=address)
    assert "  - DATABASE_URL names several hosts and takes any of them" in told
    assert "target_session_attrs=read-write" in told
    _, told = doctor(DATABASE_URL=f"{address}?target_session_attrs=read-write")
    assert "several hosts" not in told


def test_standbys_that_do_not_serve_are_named(doctor: Doctor, database: str) -> None:
    status, told = doctor(REPLICA_URL="postgresql://u:secret@127.0.0.1:1/app")
    assert "  - no standby of REPLICA_URL serves (ConnectionRefusedError" in told
    assert "secret" not in told
    assert status == 0
    _, told = doctor(REPLICA_URL=database)
    assert "REPLICA_URL" not in told


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("TRUSTED_HOSTS", "", "- TRUSTED_HOSTS is empty"),
        ("CORS_ORIGINS", "*", "- CORS_ORIGINS is *"),
        ("FORWARDED_ALLOW_IPS", "*", "- FORWARDED_ALLOW_IPS is *"),
        ("METRICS", "true", "- METRICS is true"),
        ("ADMIN_TOKEN", "", "- ADMIN_TOKEN is empty"),
    ],
)
def test_a_bold_setting_is_named_and_stops_nothing(
    doctor: Doctor, setting: str, value: str, told: str
) -> None:
    status, said = doctor(**{setting: value})
    assert told in said
    assert status == 0


def test_a_port_that_is_taken_is_named(doctor: Doctor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        status, told = doctor(PORT=port)
    assert status == 1
    assert f"! cannot listen on 127.0.0.1 port {port}" in told
    assert "choose another" in told
    if find_spec("psutil"):
        assert f", by process {os.getpid()} (" in told


@pytest.mark.parametrize(
    ("environment", "mark", "expected"), [("testing", "-", 0), ("production", "!", 1)]
)
def test_an_older_schema_is_named_and_stops_production(
    doctor: Doctor, database: str, environment: str, mark: str, expected: int
) -> None:
    execute(database, "DELETE FROM alembic_version")
    status, told = doctor(ENV_FOR_DYNACONF=environment)
    assert status == expected
    older = "the schema is at revision base, which is older than the code"
    assert f"{mark} {older}" in told
    assert "run manage.py migrate" in told


def test_a_forgotten_migration_is_named(fresh_doctor: Doctor, checkout: Path) -> None:
    add_column(checkout, 'Column("color", Text)')
    status, told = fresh_doctor()
    assert status == 1
    assert "! the tables of the code are not what its migrations make" in told
    assert "makemigration" in told


def test_a_migration_cannot_be_missed_where_no_database_can_be_made(
    doctor: Doctor, own_postgres: OwnPostgres
) -> None:
    execute(own_postgres.url(), "CREATE ROLE poor LOGIN PASSWORD 'poor'")
    execute(own_postgres.url(), "CREATE DATABASE poor OWNER poor")
    poor = own_postgres.url("poor").replace(f"app:{own_postgres.password}", "poor:poor")
    to(poor)
    status, told = doctor(DATABASE_URL=poor)
    assert "- makemigration makes a database for a moment" in told
    assert status == 0


def test_a_wrong_password_is_named_and_not_shown(
    doctor: Doctor, own_postgres: OwnPostgres
) -> None:
    url = own_postgres.url().replace(own_postgres.password, "wr0ng")
    status, told = doctor(DATABASE_URL=url)
    assert status == 1
    assert "! the database at 127.0.0.1" in told
    assert "check the user and the password" in told
    assert "wr0ng" not in told


def test_a_revision_of_another_branch_is_named(doctor: Doctor, database: str) -> None:
    execute(database, "UPDATE alembic_version SET version_num = 'ab12'")
    assert "! the schema is at revision ab12, which this code does not" in doctor()[1]


def test_two_heads_are_named(doctor: Doctor, checkout: Path) -> None:
    versions = checkout / "migrations" / "versions"
    for revision in ("1a1a", "2b2b"):
        text = f'revision = "{revision}"\ndown_revision = "0001"\n'
        (versions / f"{revision}.py").write_text(f'"""Change."""\n{text}')
    status, told = doctor()
    assert status == 1
    assert "! the migrations have 2 heads, 1a1a (Change) and 2b2b (Change)" in told


def test_a_feature_that_cannot_start_is_named(
    fresh_doctor: Doctor, checkout: Path
) -> None:
    replace(checkout / "small_app/application.py", "(notes_app,)", "(notes_app, 3)")
    status, told = fresh_doctor()
    assert status == 1
    assert "! FEATURES names 3, which has no install(app)" in told


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("def (", "SyntaxError: invalid syntax"),
        ("exit('no')", "SystemExit: no"),
    ],
)
def test_a_feature_that_cannot_be_imported_is_named_once_with_the_place(
    fresh_doctor: Doctor, checkout: Path, code: str, told: str
) -> None:
    (checkout / "small_app/notes_app/views.py").write_text(f"\n{code}\n")
    status, said = fresh_doctor()
    assert status == 1
    line = f"notes_app cannot be used: {told} (small_app/notes_app/views.py, line 2)"
    assert said.partition("To deploy")[0].count(f"  ! {line}\n") == 1


def test_a_migration_that_cannot_be_read_is_named_with_the_place(
    doctor: Doctor, checkout: Path
) -> None:
    (checkout / "migrations" / "versions" / "ab12_wrong.py").write_text("def (\n")
    status, told = doctor()
    assert status == 1
    assert (
        "! ab12_wrong.py, line 1 cannot be read (SyntaxError: invalid syntax)" in told
    )


def test_a_project_that_cannot_be_read_is_told_in_one_line(checkout: Path) -> None:
    """Also before anything is installed, by a Python without the dependencies."""
    (checkout / "pyproject.toml").write_text("[project\n")
    for isolated in ([], ["-S"]):
        ran = subprocess.run(
            [sys.executable, *isolated, "manage.py", "doctor"],
            cwd=checkout,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 1
        (line,) = ran.stderr.splitlines()
        assert "pyproject.toml cannot be read: Expected ']'" in line


def test_settings_that_cannot_be_read_are_told(doctor: Doctor, checkout: Path) -> None:
    (checkout / "settings.toml").write_text("[[[")
    status, told = doctor()
    assert status == 1
    assert told.count("settings.toml cannot be read") == 2


def test_requirements_that_are_not_pinned_are_named(
    doctor: Doctor, checkout: Path
) -> None:
    replace(checkout / "pyproject.toml", "[]", '["absent-package >=1"]')
    status, told = doctor()
    assert status == 1
    assert "! app.txt has no pin for absent-package>=1\n" in told
    assert "type python3 manage.py lock" in told


def test_a_secret_in_the_settings_is_named(doctor: Doctor, checkout: Path) -> None:
    path = checkout / "settings.toml"
    replace(path, 'ADMIN_TOKEN = ""', f'ADMIN_TOKEN = "{"t" * 32}"')
    status, told = doctor()
    assert status == 1
    assert "! settings.toml [default] holds ADMIN_TOKEN" in told
    assert "t" * 32 not in told


def test_a_secret_that_git_tracks_is_named(doctor: Doctor, checkout: Path) -> None:
    (checkout / ".env").write_text("SECRET_KEY=x\n")
    git(checkout, "add", "--force", ".env")
    status, told = doctor()
    assert status == 1
    assert "! .env holds secrets, and git tracks it" in told


def test_what_was_changed_in_the_chassis_is_named(
    doctor: Doctor, checkout: Path
) -> None:
    (checkout / ".quart-chassis.toml").write_text(
        'version = "1.0.0"\ncommit = "ab"\npackage = "small_app"\nname = "small-app"\n'
        'title = "Small"\ndemo = false\n\n[chassis]\n"quart_chassis/gone.py" = "ab"\n'
    )
    status, told = doctor()
    assert "- quart_chassis/gone.py is not as it came with this version" in told
    assert status == 0


def test_a_folder_without_a_repository_is_named(doctor: Doctor, checkout: Path) -> None:
    shutil.rmtree(checkout / ".git")
    status, told = doctor()
    assert "- git cannot be asked what it tracks (not a git repository" in told
    assert status == 0
