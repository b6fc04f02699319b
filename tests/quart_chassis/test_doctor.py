"""Each thing that stands in the way is named, with what to do about it."""

import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from quart_chassis.testing.postgres import free_port
from tests.quart_chassis.migrating import execute, in_checkout
from tests.quart_chassis.small_project import PATHS

PRODUCTION = {"SECRET_KEY": "k" * 32}
Doctor = Callable[..., tuple[int, str]]


@pytest.fixture
def doctor(checkout: Path, database: str) -> Doctor:
    """Its status and what it says, in a checkout whose requirements are in order."""

    def ask(**environment: str) -> tuple[int, str]:
        given = {"PORT": str(free_port()), **PRODUCTION, **PATHS, **environment}
        ran = in_checkout(
            checkout, given.pop("DATABASE_URL", database), "doctor", **given
        )
        assert "Traceback" not in ran.stderr
        return ran.returncode, ran.stdout

    return ask


@pytest.fixture(autouse=True)
def pinned(checkout: Path) -> None:
    """The requirements are in order, because nothing is asked for."""
    path = checkout / "pyproject.toml"
    text = path.read_text("utf-8").replace(
        'version = "', 'dependencies = []\nversion = "'
    )
    path.write_text(
        text + "\n[dependency-groups]\nrun = []\ntracing = []\ndev = []\n", "utf-8"
    )


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")


def test_where_all_is_well_that_is_told(doctor: Doctor) -> None:
    status, told = doctor(TRUSTED_HOSTS="example.org", METRICS="false")
    assert told == "To run: all is well\nTo deploy: all is well\n"
    assert status == 0


def test_what_production_will_need_is_no_obstacle(doctor: Doctor) -> None:
    status, told = doctor(SECRET_KEY="", DATABASE_URL="", DB_HOST="embedded")
    assert "  - production will need SECRET_KEY\n" in told
    assert "  - production will need DATABASE_URL\n" not in told
    assert status == (1 if "!" in told else 0)


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("PORT", "abc", "! PORT = 'abc' (environment variable) is not valid"),
        (
            "DATABASE_URL",
            "postgresql://u@127.0.0.1:1/app",
            "! the database at 127.0.0.1",
        ),
        ("ADMIN_TOKEN", "short", "! ADMIN_TOKEN has 5 characters"),
        ("WORKERS", "64", "! WORKERS times DB_POOL_SIZE is 320 connections"),
    ],
)
def test_a_setting_that_cannot_work_is_named(
    doctor: Doctor, setting: str, value: str, told: str
) -> None:
    status, said = doctor(**{setting: value})
    assert status == 1
    assert told in said


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("TRUSTED_HOSTS", "", "- TRUSTED_HOSTS is empty"),
        ("CORS_ORIGINS", "*", "- CORS_ORIGINS is *"),
        ("FORWARDED_ALLOW_IPS", "*", "- FORWARDED_ALLOW_IPS is *"),
        ("METRICS", "true", "- METRICS is true"),
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


def test_an_older_schema_is_named(doctor: Doctor, database: str) -> None:
    execute(database, "DELETE FROM alembic_version")
    status, told = doctor()
    assert status == 1
    assert "! the schema is at revision base, which is older than the code" in told
    assert "run manage.py migrate" in told


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


def test_a_feature_that_cannot_start_is_named(doctor: Doctor, checkout: Path) -> None:
    replace(checkout / "small_app/application.py", "(notes_app,)", "(notes_app, 3)")
    status, told = doctor()
    assert status == 1
    assert "! FEATURES names 3, which has no install(app)" in told


def test_code_that_cannot_be_imported_is_named(doctor: Doctor, checkout: Path) -> None:
    (checkout / "small_app/notes_app/views.py").write_text("import nowhere\n")
    status, told = doctor()
    assert status == 1
    assert "! ModuleNotFoundError: No module named 'nowhere'" in told


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
    for words in (["init", "--quiet"], ["add", "--force", ".env"]):
        subprocess.run(["git", *words], cwd=checkout, check=True)
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
