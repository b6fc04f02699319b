import io
import os
import re
import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path

import httpx
import pytest

from quart_chassis import commands
from quart_chassis.testing.postgres import OwnPostgres
from quart_chassis.testing.servers import RunningServer, running
from quart_chassis.testing.waiting import until
from tests.quart_chassis.migrating import execute
from tests.quart_chassis.packages import make_index, make_wheel
from tests.quart_chassis.small_project import PATHS, SMALL, command, serving
from tests.quart_chassis.test_settings import PASSWORDS


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SMALL)


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The one line that a command which fails prints."""
    assert commands.main(list(words)) == 1
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
        ["count-notes", "--wrod", "x"],
    ],
)
def test_wrong_usage_ends_with_status_2(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        commands.main(words)
    assert ended.value.code == 2
    assert "usage: manage.py" in capsys.readouterr().err


def test_every_command_says_what_it_is_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        commands.main(["--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    for name in commands.names(SMALL):
        assert f" {name} " in shown
    assert "Empty the development database" in shown


def test_options_of_pytest_are_handed_on() -> None:
    words = ["test", "--all", "-k", "name", "tests/x.py"]
    arguments = commands.parse(words, "manage.py")
    assert arguments.all
    assert arguments.rest == ["-k", "name", "tests/x.py"]
    assert commands.needs_tools(words, SMALL)


def test_the_commands_need_nothing_installed_to_be_understood() -> None:
    shown = subprocess.run(
        [sys.executable, "-S", "-m", "quart_chassis.commands", "--help"],
        env={**os.environ, **PATHS},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "usage: manage.py" in shown.stdout


def test_a_port_that_is_taken_is_named_with_the_remedy(
    capsys: pytest.CaptureFixture[str], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(DATABASE_URL=database) as server:
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
        ({"DB_HOST": "a..b"}, "no such host is known"),
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


def test_a_wrong_setting_is_told_although_another_one_was_typed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "abc")
    assert "PORT = 'abc'" in refused(capsys, "run", "--port", "0")


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
        assert commands.main(["migrate"]) == 0, password
        execute(url, "REASSIGN OWNED BY guest TO app")


def test_production_runs_with_a_newer_schema_and_warns(database: str) -> None:
    change_revision(database)
    key = "k" * 32
    with serving(
        measured=True,
        DATABASE_URL=database,
        ENV_FOR_DYNACONF="production",
        SECRET_KEY=key,
    ) as server:
        assert server.get("/readyz").json()["schema"].startswith("at revision 9999")
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
        command("dbshell"),
        env={
            **os.environ,
            **PATHS,
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
    assert commands.main(["resetdb"]) == 1
    execute(own_postgres.url(), "SELECT FROM mine")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert commands.main(["resetdb"]) == 1
    execute(own_postgres.url(), "SELECT FROM mine")
    monkeypatch.setattr(sys, "stdin", io.StringIO("app\n"))
    assert commands.main(["resetdb"]) == 0
    execute(own_postgres.url(), "CREATE TABLE mine (); DROP TABLE mine")
    execute(own_postgres.url(), "SELECT FROM notes")
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/app")
    monkeypatch.setattr(sys, "stdin", io.StringIO("app\n"))
    capsys.readouterr()
    assert "check that it runs" in refused(capsys, "resetdb")
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/app")
    assert "on this machine only" in refused(capsys, "resetdb")


def test_elsewhere_than_in_the_project_one_line_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["/usr/bin/small-app", "migrate"])
    assert commands.console_script() == 1
    assert capsys.readouterr().err == (
        "small-app: here is no settings.toml beside a pyproject.toml; go to the "
        "project's folder and try again\n"
    )


def test_the_tutorials_way_to_run_works(database: str) -> None:
    started = [sys.executable, "-m", "small_app.asgi"]
    environment = {**PATHS, "DATABASE_URL": database, "PORT": "0"}
    with running(started, SMALL, measured=True, **environment) as server:
        assert "Notes: 0" in server.get("/").text
        assert server.stop() == 0


def test_a_server_that_cannot_be_configured_says_why() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "hypercorn", "small_app.asgi:app", "--workers", "0"],
        env={**os.environ, **PATHS, "PORT": "x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.stderr.splitlines()[-1].startswith("small_app: PORT = 'x'")
    assert "Traceback" not in told.stderr


@pytest.mark.slow
def test_changed_code_is_served_anew(checkout: Path, database: str) -> None:
    started = command("run", "--port", "0", "--reload")
    with running(started, checkout, measured=True, DATABASE_URL=database) as server:
        assert "Notes: 0" in server.get("/").text
        assert "Notes: 0" in server.get("/drafts").text
        views = checkout / "small_app" / "notes_app" / "views.py"
        text = views.read_text()
        views.write_text(
            text.replace('defaults={"number": 0}', 'defaults={"number": 7}')
        )
        until(partial(shows, server, "Notes: 7"))
        execute(database, "INSERT INTO notes (text) VALUES ('x')")
        assert "Notes: 1" in server.get("/").text
        assert server.stop() == 0


def shows(server: RunningServer, text: str) -> bool:
    try:
        return text in server.get("/drafts").text
    except httpx.TransportError:
        return False


@pytest.mark.slow
def test_the_tests_are_run_by_pytest(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", PATHS["PYTHONPATH"])
    plugin = ["-p", "quart_chassis.testing.plugin"]
    assert commands.main(["test", "--all", *plugin, "--no-such-option"]) == 4
    assert "unrecognized arguments: --no-such-option" in capfd.readouterr().err


def test_the_projects_script_is_the_same_set_of_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["small-app", "migrate", "7777"])
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/app")
    assert commands.console_script() == 1
    assert capsys.readouterr().err.startswith("small-app: the database at 127.0.0.1:1")


def test_a_features_command_runs_with_the_database(
    capsys: pytest.CaptureFixture[str], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(database, "INSERT INTO notes (text) VALUES ('x'), ('y')")
    monkeypatch.setenv("DATABASE_URL", database)
    assert commands.main(["count-notes"]) == 0
    assert commands.main(["count-notes", "--word", "found"]) == 0
    assert capsys.readouterr().out == "notes: 2\nfound: 2\n"


def test_a_features_command_without_a_database_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/app")
    assert "check that it runs" in refused(capsys, "count-notes")


def test_a_features_command_needs_a_schema(
    capsys: pytest.CaptureFixture[str],
    empty_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", empty_database)
    assert "run manage.py migrate" in refused(capsys, "count-notes")


def test_a_features_command_says_what_it_is_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        commands.main(["--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert " count-notes Tell how many notes there are" in shown


def test_a_features_command_of_the_chassis_name_is_refused(checkout: Path) -> None:
    feature = checkout / "small_app" / "notes_app"
    counts = feature / "commands" / "count_notes.py"
    counts.rename(feature / "commands" / "migrate.py")
    init = feature / "__init__.py"
    init.write_text(init.read_text().replace("count_notes", "migrate"))
    told = subprocess.run(
        command("another"), cwd=checkout, capture_output=True, text=True, check=False
    )
    assert told.returncode == 1
    assert told.stderr == (
        "manage.py: quart_chassis and notes_app both have the command migrate; rename "
        "the feature's\n"
    )


@pytest.mark.parametrize("words", [["run"], ["run", "--workers", "2"]])
def test_features_that_clash_are_told_once_and_nothing_starts(
    checkout: Path, words: list[str]
) -> None:
    """A worker that cannot start would be started again and again."""
    application = checkout / "small_app" / "application.py"
    text = application.read_text()
    application.write_text(text.replace("(notes_app,)", "(notes_app, notes_app)"))
    told = subprocess.run(
        command(*words, "--port", "0"),
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr == (
        "manage.py: FEATURES names notes_app twice; take one of the two out\n"
    )


def test_help_is_there_whatever_is_wrong(checkout: Path) -> None:
    (checkout / "small_app" / "application.py").write_text("import no_such_package\n")
    told = subprocess.run(
        command("--help"), cwd=checkout, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0
    assert "usage: manage.py" in told.stdout
    assert told.stderr == (
        "Commands of features are left out (ModuleNotFoundError: No module named "
        "'no_such_package')\n"
    )


def test_an_error_inside_a_feature_shows_where_it_is(checkout: Path) -> None:
    views = checkout / "small_app" / "notes_app" / "views.py"
    views.write_text("import no_such_package\n")
    told = subprocess.run(
        command("run", "--port", "0", "--workers", "2"),
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert "notes_app/views.py" in told.stderr
    assert told.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: No module named 'no_such_package'"
    )
    assert told.stderr.count("Traceback") == 1


# A project of which nothing is on any index but what the test puts there.
PINNED = """
[project]
name = "small-app"
version = "1"
requires-python = ">=3.11"
dependencies = ["absent-package >=1"]
[dependency-groups]
run = []
tracing = []
dev = [{ include-group = "run" }, "absent-tool"]
[tool.quart-chassis]
package = "small_app"
"""


def test_lock_pins_what_pyproject_asks_for(checkout: Path, tmp_path: Path) -> None:
    (checkout / "pyproject.toml").write_text(PINNED)
    names = ("absent-package", "absent-tool")
    wheels = [make_wheel(tmp_path, name) for name in names]
    index = make_index(tmp_path / "index", wheels)
    locked = subprocess.run(
        command("lock", "--upgrade"),
        cwd=checkout,
        env={**os.environ, "UV_DEFAULT_INDEX": index, "UV_NO_CACHE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert locked.returncode == 0, locked.stderr
    assert locked.stdout.count("is up to date") == 4
    texts = {
        name: (checkout / "requirements" / f"{name}.txt").read_text()
        for name in ("app", "run", "tracing", "dev")
    }
    for text in texts.values():
        assert "absent-package==1.0 \\\n    --hash=sha256:" in text
        assert "://" not in text
    assert [name for name in texts if "absent-tool==1.0" in texts[name]] == ["dev"]


def test_check_says_what_is_wrong_and_how_to_fix_it(checkout: Path) -> None:
    (checkout / "pyproject.toml").write_text(PINNED)
    (checkout / "small_app" / "new.py").write_text("number=1\n")
    file = checkout / "settings.toml"
    text = file.read_text()
    text = re.sub(r"# .*\nPORT = ", "PORT = ", text)
    file.write_text(f"{text}COLOR = 1\n")
    checked = subprocess.run(
        command("check"), cwd=checkout, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 1
    lines = [line.strip() for line in checked.stdout.splitlines()]
    found = {line for line in lines if re.fullmatch(r"[a-z]+: (ok|FAILED)", line)}
    told = {"format: FAILED", "requirements: FAILED", "settings: FAILED"}
    assert found >= {*told, "application: ok"}
    assert "To fix it: python3 manage.py format" in lines
    assert "app.txt has no pin for absent-package>=1" in lines
    assert "To fix it: python3 manage.py lock" in lines
    assert "settings.toml [default] lacks PORT, or a comment above it" in lines
    assert "settings.toml [production] has COLOR, which no feature declares" in lines


@pytest.mark.skipif(sys.platform == "win32", reason="a shell's descriptors")
@pytest.mark.parametrize(
    ("streams", "status"),
    [
        ("", 0),
        (">&-", 0),
        ("2>&-", 0),
        ("<&- >&- 2>&-", 0),
        pytest.param(
            ">/dev/full",
            1,
            marks=pytest.mark.skipif(
                not Path("/dev/full").exists(), reason="no /dev/full"
            ),
        ),
    ],
)
def test_streams_that_are_closed_or_full_end_in_no_traceback(
    streams: str, status: int
) -> None:
    words = " ".join(map(shlex.quote, command("routes")))
    ended = subprocess.run(
        ["sh", "-c", f"{words} {streams}"],
        cwd=SMALL,
        env={**os.environ, **PATHS},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == status, ended.stderr
    assert "Traceback" not in ended.stderr
    if status:
        assert "the output cannot be written" in ended.stderr
