import io
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import httpx
import pytest

from my_app import cli
from tests.postgres import OwnPostgres
from tests.servers import ROOT, RunningServer, manage, running
from tests.test_migrate import execute
from tests.test_settings import PASSWORDS
from tests.waiting import until


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line that a command which fails prints."""
    assert cli.main(list(words)) == 1
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1, told
    assert told[0].startswith("manage.py: ")
    return told[0]


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["rnu"],
        ["run", "--prot", "1"],
        ["run", "--por", "1"],
        ["run", "--reload", "--workers", "2"],
        ["run", "somewhere"],
        ["makemigration"],
        ["migrate", "head", "again"],
    ],
)
def test_wrong_usage_ends_with_status_2(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert "usage: manage.py" in capsys.readouterr().err


def test_every_command_says_what_it_is_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name in cli.command_names():
        assert f" {name} " in shown
    assert "Empty the development database" in shown


def test_options_of_pytest_are_handed_on() -> None:
    arguments = cli.parse(["test", "--all", "-k", "name", "tests/x.py"])
    assert arguments.all
    assert arguments.pytest == ["-k", "name", "tests/x.py"]
    assert arguments.tools


def test_the_commands_need_nothing_installed_to_be_understood() -> None:
    shown = subprocess.run(
        [sys.executable, "-S", "-m", "my_app.cli", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "usage: manage.py" in shown.stdout


def test_a_port_that_is_taken_is_named_with_the_remedy(
    capsys: pytest.CaptureFixture[str], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(manage("run", "--port", "0"), DATABASE_URL=database) as server:
        port = server.url.rpartition(":")[2]
        monkeypatch.setenv("DATABASE_URL", database)
        told = refused(capsys, "run", "--port", port)
    assert f"port {port}" in told
    assert "--port 5002" in told


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"PORT": "65536"}, "PORT = '65536'"),
        ({"ENV_FOR_DYNACONF": "stagign"}, "names no section"),
        ({"ENV_FOR_DYNACONF": "production"}, "SECRET_KEY is not set"),
        ({"DATABASE_URL": "postgresql://h/d?x=1"}, "unknown parameter 'x'"),
        ({"DATABASE_URL": "postgresql://127.0.0.1:1/d"}, "check that it runs"),
        ({"HOST": "192.0.2.1"}, "cannot listen on 192.0.2.1"),
        ({"HOST": "a..b"}, "cannot listen on a..b"),
        ({"DB_HOST": "a..b"}, "check that it runs"),
    ],
)
def test_what_stands_in_the_way_of_run_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    told: str,
) -> None:
    monkeypatch.setenv("PORT", "0")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert told in refused(capsys, "run")


def test_a_wrong_password_is_told_without_showing_it(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    own_postgres: OwnPostgres,
) -> None:
    for name, value in {
        "DB_HOST": "127.0.0.1",
        "DB_PORT": str(own_postgres.port),
        "DB_USERNAME": "app",
        "DB_PASSWORD": "wr0ng",
    }.items():
        monkeypatch.setenv(name, value)
    told = refused(capsys, "migrate")
    assert "check the user and the password" in told
    assert "wr0ng" not in told


def test_every_password_of_settings_opens_the_database(
    monkeypatch: pytest.MonkeyPatch, own_postgres: OwnPostgres
) -> None:
    url = own_postgres.url()
    execute(url, "DROP ROLE IF EXISTS guest; CREATE ROLE guest SUPERUSER LOGIN")
    monkeypatch.setenv("DB_HOST", "127.0.0.1")
    monkeypatch.setenv("DB_PORT", str(own_postgres.port))
    monkeypatch.setenv("DB_USERNAME", "guest")
    for password in PASSWORDS:
        quoted = password.replace("'", "''")
        execute(url, f"ALTER ROLE guest PASSWORD '{quoted}'")
        monkeypatch.setenv("DB_PASSWORD", password)
        assert cli.main(["migrate"]) == 0, password
        execute(url, "REASSIGN OWNED BY guest TO app")


def test_production_runs_with_a_newer_schema_and_warns(database: str) -> None:
    change_revision(database)
    key = "k" * 32
    with running(
        manage("run", "--port", "0"),
        measured=True,
        DATABASE_URL=database,
        ENV_FOR_DYNACONF="production",
        SECRET_KEY=key,
    ) as server:
        assert server.get("/readyz").json()["schema"] == "newer than the code"
        assert server.get("/").status_code == 200
        assert server.stop() == 0
    told = "\n".join(server.lines)
    assert "revision 9999" in told
    assert key not in told


def test_development_refuses_a_newer_schema(
    capsys: pytest.CaptureFixture[str], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_revision(database)
    monkeypatch.setenv("DATABASE_URL", database)
    told = refused(capsys, "run", "--port", "0")
    assert "revision 9999" in told
    assert "resetdb" in told


def change_revision(database: str) -> None:
    execute(database, "UPDATE alembic_version SET version_num = '9999'")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_shell_on_the_database_keeps_the_password_to_itself(
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    own_postgres: OwnPostgres,
) -> None:
    tools = os.pathsep.join([str(own_postgres.binaries), os.environ["PATH"]])
    shown = subprocess.run(
        manage("dbshell"),
        cwd=ROOT,
        env={
            **os.environ,
            "PATH": tools,
            "DATABASE_URL": own_postgres.url(),
        },
        input="\\! cat /proc/$PPID/cmdline\nSELECT 6 * 7;\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "42" in shown.stdout
    assert f"@127.0.0.1:{own_postgres.port}/app" in shown.stdout
    assert own_postgres.password not in shown.stdout


def test_resetdb_asks_and_empties_only_the_development_database(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    own_postgres: OwnPostgres,
) -> None:
    monkeypatch.setenv("DATABASE_URL", own_postgres.url())
    assert "for development only" in refused(capsys, "resetdb")
    monkeypatch.setenv("ENV_FOR_DYNACONF", "development")
    execute(own_postgres.url(), "CREATE TABLE mine ()")
    monkeypatch.setattr(sys, "stdin", io.StringIO("no\n"))
    assert cli.main(["resetdb"]) == 1
    execute(own_postgres.url(), "SELECT FROM mine")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert cli.main(["resetdb"]) == 1
    execute(own_postgres.url(), "SELECT FROM mine")
    monkeypatch.setattr(sys, "stdin", io.StringIO("app\n"))
    assert cli.main(["resetdb"]) == 0
    execute(own_postgres.url(), "CREATE TABLE mine (); DROP TABLE mine")
    execute(own_postgres.url(), "SELECT FROM counters")
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/app")
    monkeypatch.setattr(sys, "stdin", io.StringIO("app\n"))
    capsys.readouterr()
    assert "check that it runs" in refused(capsys, "resetdb")
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/app")
    assert "on this machine only" in refused(capsys, "resetdb")


def test_elsewhere_than_in_the_project_one_line_says_so(tmp_path: Path) -> None:
    package = tmp_path / "site"
    package.mkdir()
    shutil.copytree(ROOT / "my_app", package / "my_app")
    told = subprocess.run(
        [
            *(sys.executable, "-c"),
            *("from my_app.cli import *; exit(console_script())", "migrate"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr == (
        "my-app: here is no settings.toml; go to the project's folder and try again\n"
    )


def test_the_tutorials_way_to_run_works(database: str) -> None:
    command = [sys.executable, "-m", "my_app.asgi"]
    with running(command, measured=True, DATABASE_URL=database, PORT="0") as server:
        assert "Counter: 1" in server.get("/").text
        assert server.stop() == 0


def test_a_server_that_cannot_be_configured_says_why() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "hypercorn", "my_app.asgi:app", "--workers", "0"],
        cwd=ROOT,
        env={**os.environ, "PORT": "x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stderr.splitlines()[-1].startswith("my_app: PORT = 'x'")
    assert "Traceback" not in told.stderr


@pytest.mark.slow
def test_changed_code_is_served_anew(checkout: Path, database: str) -> None:
    command = [sys.executable, "-m", "my_app.cli", "run", "--port", "0", "--reload"]
    with running(command, checkout, measured=True, DATABASE_URL=database) as server:
        assert "Counter: 1" in server.get("/").text
        views = checkout / "my_app" / "home_app" / "views.py"
        text = views.read_text()
        views.write_text(text.replace('"status": "ok"}', '"status": "new"}'))
        until(partial(says, server, {"status": "new"}))
        assert "Counter: 2" in server.get("/").text
        assert server.stop() == 0


def says(server: RunningServer, answer: dict[str, str]) -> bool:
    try:
        return bool(server.get("/livez").json() == answer)
    except httpx.TransportError:
        return False


@pytest.mark.slow
def test_the_tests_are_run_by_pytest(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["test", "--all", "--no-such-option"]) == 4
    assert "unrecognized arguments: --no-such-option" in capfd.readouterr().err


def test_my_app_is_the_same_set_of_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["my-app", "migrate", "7777"])
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/app")
    assert cli.console_script() == 1
    assert capsys.readouterr().err.startswith("my-app: the database at 127.0.0.1:1")
