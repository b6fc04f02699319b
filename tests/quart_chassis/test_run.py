import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

import httpx
import psutil
import pytest

from quart_chassis.postgres import embedded
from quart_chassis.project import Project
from quart_chassis.testing.servers import CERTIFICATES, RunningServer, manage, running
from quart_chassis.testing.waiting import HANG_SECONDS, until
from tests.quart_chassis.terminals import in_closing_terminal
from tests.quart_chassis.test_embedded import is_alive, server_pid

RUN = manage("run", "--port", "0")


def database_of(checkout: Path) -> Path:
    """The folder of its database."""
    return embedded.folder_of(Project.at(checkout))


@pytest.fixture
def used(fresh: Path, seed: Path) -> Path:
    """A checkout whose database was made before."""
    subprocess.run(["cp", "-a", seed, database_of(fresh)], check=True)
    return fresh


@pytest.fixture
def fresh(checkout: Path) -> Iterator[Path]:
    """A checkout in which nothing was run; its database goes with it."""
    yield checkout
    folder = database_of(checkout)
    if folder.exists():
        embedded.discard(folder)


@contextmanager
def running_in(
    checkout: Path, command: list[str] = RUN, **environment: str
) -> Iterator[RunningServer]:
    environment["ENV_FOR_DYNACONF"] = "development"
    with running(command, checkout, measured=False, **environment) as server:
        yield server


def count(server: RunningServer) -> int:
    """How many notes there are when one more was written."""
    url = f"{server.url}/api/notes"
    httpx.post(
        url, json={"text": "x"}, timeout=HANG_SECONDS, verify=CERTIFICATES
    ).raise_for_status()
    (number,) = re.findall(r"Notes: (\d+)", server.get("/").text)
    return int(number)


def test_a_fresh_checkout_keeps_notes_and_goes_on_keeping_them(fresh: Path) -> None:
    with running_in(fresh) as first:
        assert [count(first), count(first)] == [1, 2]
        assert (database_of(fresh) / "cluster/data/postmaster.pid").exists()
        with running_in(fresh) as second:
            assert count(second) == 3
            assert first.stop() == 0
            assert count(second) == 4
            assert second.stop() == 0
    assert not (database_of(fresh) / "cluster/data/postmaster.pid").exists()


def test_after_a_kill_of_everything_every_note_is_there(used: Path) -> None:
    command = [*RUN, "--workers", "2"]
    with running_in(used, command) as server:
        assert [count(server) for _ in range(5)] == [1, 2, 3, 4, 5]
        database = server_pid(database_of(used))
        family = psutil.Process(server.process.pid).children(recursive=True)
        for process in [*family, psutil.Process(database)]:
            process.kill()
        server.process.kill()
    until(lambda: not is_alive(database))
    with running_in(used) as server:
        assert count(server) == 6
        assert server.stop() == 0


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGHUP, marks=pytest.mark.slow)]
)
def test_an_interrupted_start_leaves_nothing_running(
    used: Path, number: signal.Signals
) -> None:
    process = subprocess.Popen(
        RUN,
        cwd=used,
        env={**os.environ, "ENV_FOR_DYNACONF": "development"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    users = database_of(used) / "users"
    until(lambda: any(users.iterdir()))
    process.send_signal(number)
    assert process.wait(HANG_SECONDS) == 143
    assert not (database_of(used) / "cluster/data/postmaster.pid").exists()


@pytest.mark.parametrize(
    ("workers", "number"),
    [
        ("1", signal.SIGTERM),
        pytest.param("2", signal.SIGINT, marks=pytest.mark.slow),
        pytest.param("1", signal.SIGINT, marks=pytest.mark.slow),
        pytest.param("2", signal.SIGTERM, marks=pytest.mark.slow),
    ],
)
def test_a_stop_as_soon_as_the_address_is_told_is_heard(
    used: Path, workers: str, number: signal.Signals
) -> None:
    """Seen to fail where signals do nothing until Uvicorn listens to them."""
    with running_in(used, [*RUN, "--workers", workers]) as server:
        assert server.stop(number) == 0


@pytest.mark.parametrize("words", [[], ["--workers", "2"], ["--reload"]])
def test_however_often_a_stop_is_told_it_is_one(used: Path, words: list[str]) -> None:
    """Seen to hang under --reload, and to end with 143 where the last one was late."""
    with running_in(used, [*RUN, *words]) as server:
        while server.process.poll() is None:
            server.process.send_signal(signal.SIGTERM)
        assert server.process.returncode == 0
    assert not (database_of(used) / "cluster/data/postmaster.pid").exists()


def test_requests_are_answered_where_no_log_can_be_written(used: Path) -> None:
    """`run 2>&1 | head -1`; seen to fail where a lost line ended the connection."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        RUN,
        cwd=used,
        env={**os.environ, "ENV_FOR_DYNACONF": "development"},
        stdout=subprocess.PIPE,
        stderr=writing,
        text=True,
    )
    with process:
        os.close(writing)
        assert process.stdout is not None
        url = process.stdout.readline().split()[1]
        # Whoever read the log has read enough.
        os.close(reading)
        with closing(HTTPConnection(url.removeprefix("http://"))) as caller:
            for path, status in (("/", 200), ("/nowhere", 404), ("/", 200)):
                caller.request("GET", path)
                with caller.getresponse() as answer:
                    assert answer.status == status
                    answer.read()
        process.terminate()
    assert process.returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--workers", "1"], marks=pytest.mark.slow),
        ["--workers", "2"],
        pytest.param(["--reload"], marks=pytest.mark.slow),
    ],
)
def test_a_closed_terminal_stops_it(used: Path, words: list[str]) -> None:
    """Seen to fail with two workers, which Uvicorn replaced and let run on."""
    with in_closing_terminal([*RUN, *words], used, "Open http") as process:
        family = psutil.Process(process.pid).children(recursive=True)
        # The status depends on what it was writing.
        process.wait(HANG_SECONDS)
    assert not (database_of(used) / "cluster/data/postmaster.pid").exists()
    until(lambda: not any(each.is_running() for each in family))


@pytest.mark.slow
def test_an_app_started_otherwise_says_which_command_to_type(used: Path) -> None:
    command = [sys.executable, "-m", "hypercorn", "small_app.asgi:app"]
    command += ["--bind", "127.0.0.1:0"]
    with running_in(used, command) as server:
        assert server.get("/livez").status_code == 200
        assert server.get("/").status_code == 503
        assert server.get("/readyz").status_code == 503
        with running_in(used) as database:
            assert count(server) == 1
            assert count(database) == 2
        server.stop()
    assert "python3 manage.py run" in "\n".join(server.lines)


def test_every_worker_signs_with_the_key_from_a_file(
    used: Path, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("k" * 40 + "\n")
    key = {"SECRET_KEY_FILE": str(tmp_path / "key")}
    with running_in(used, RUN, **key) as server:
        assert count(server) == 1
        assert server.stop() == 0


def test_a_shell_opens_on_the_embedded_database(used: Path) -> None:
    shown = subprocess.run(
        manage("dbshell"),
        cwd=used,
        env={**os.environ, "ENV_FOR_DYNACONF": "development"},
        input="SELECT 6 * 7, current_database();\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert "42 | app" in shown.stdout


def test_a_dump_is_made_of_the_embedded_database(used: Path) -> None:
    dump = manage("dbshell", "--program", "pg_dump", "--", "--schema-only")
    shown = subprocess.run(
        dump,
        cwd=used,
        env={**os.environ, "ENV_FOR_DYNACONF": "development"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "PostgreSQL database dump complete" in shown.stdout
