"""Python with the application at hand, from a terminal and from a program."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from quart_chassis.testing.waiting import HANG_SECONDS, until
from tests.quart_chassis.small_project import PATHS, SMALL, command, run

ASK = "async with begin() as connection: print(await connection.scalar(select))"
CODE = f"from sqlalchemy import text; select = text('SELECT 6 * 7')\n{ASK}\n"


def test_code_runs_with_the_database_at_hand(database: str) -> None:
    ran = run("shell", "-c", CODE, DATABASE_URL=database)
    assert ran.stdout == "42\n", ran.stderr


def test_a_script_on_standard_input_runs(database: str) -> None:
    ran = subprocess.run(
        command("shell"),
        cwd=SMALL,
        env={**os.environ, **PATHS, "DATABASE_URL": database},
        input="print(sorted(tables), app.project.title)",
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "['notes', 'shelves'] Small\n"


def test_what_fails_has_a_status(database: str) -> None:
    ran = run("shell", "-c", "1 / 0", DATABASE_URL=database)
    assert ran.returncode == 1
    assert "ZeroDivisionError" in ran.stderr


class Terminal:
    """A shell in a terminal of its own."""

    def __init__(self, shell: subprocess.Popen[bytes], ours: int) -> None:
        self.shell = shell
        self._ours = ours
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def until(self, expected: str) -> None:
        """Read until this was shown."""
        until(lambda: expected in self._read())

    def _read(self) -> str:
        self.shown += os.read(self._ours, 4096).decode(errors="replace")
        return self.shown


@contextmanager
def terminal(database: str) -> Iterator[Terminal]:
    ours, theirs = os.openpty()
    shell = subprocess.Popen(
        command("shell"),
        cwd=SMALL,
        env={**os.environ, **PATHS, "DATABASE_URL": database, "TERM": "dumb"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(shell, ours)
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
def test_a_developer_asks_and_interrupts(database: str) -> None:
    with terminal(database) as shell:
        shell.until(">>> ")
        shell.type("from sqlalchemy import text\n")
        shell.type(f"select = text('SELECT 6 * 7')\n{ASK}\n\n")
        shell.until("\n42")
        shell.type("6 * 7 * 2\n")
        shell.until("\n84")
        shell.type("1 / 0\n")
        shell.until("ZeroDivisionError")
        shell.type("import asyncio; print('waits'); await asyncio.sleep(3600)\n")
        shell.until("\nwaits")
        shell.shell.send_signal(signal.SIGINT)
        shell.until("CancelledError")
        shell.type("\x04")
        assert shell.shell.wait(HANG_SECONDS) == 0
