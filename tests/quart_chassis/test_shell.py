"""Python with the application at hand, from a terminal and from a program."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic

import pytest

from quart_chassis.testing.waiting import HANG_SECONDS, until
from tests.quart_chassis.small_project import PATHS, SMALL, command, run

COUNT = """
async with begin() as connection:
    rows = (await connection.execute(tables["notes"].select())).all()
print(app.name, len(rows))
"""


def piped(source: str, database: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("shell"),
        cwd=SMALL,
        env={**os.environ, **PATHS, "DATABASE_URL": database},
        input=source,
        capture_output=True,
        text=True,
        check=False,
    )


def test_code_that_is_given_runs_and_ends(database: str) -> None:
    ran = run("shell", "-c", COUNT, DATABASE_URL=database)
    assert (ran.returncode, ran.stdout) == (0, "small_app 0\n"), ran.stderr


def test_a_script_that_is_piped_runs_and_ends(database: str) -> None:
    ran = piped(COUNT, database)
    assert (ran.returncode, ran.stdout) == (0, "small_app 0\n"), ran.stderr


def test_the_application_is_current_in_code(database: str) -> None:
    code = "from quart import current_app; print(current_app.name)"
    assert run("shell", "-c", code, DATABASE_URL=database).stdout == "small_app\n"


@pytest.mark.parametrize(
    ("code", "status", "last"),
    [
        ("await missing", 1, "NameError: name 'missing' is not defined"),
        ("x =", 1, "SyntaxError: invalid syntax"),
        ("raise SystemExit(7)", 7, None),
        ("import asyncio; raise asyncio.CancelledError", 1, "CancelledError"),
    ],
)
def test_an_error_in_given_code_is_shown_from_that_code_on(
    database: str, code: str, status: int, last: str | None
) -> None:
    ran = run("shell", "-c", code, DATABASE_URL=database)
    assert ran.returncode == status
    lines = ran.stderr.splitlines()
    assert "quart_chassis" not in ran.stderr
    assert not lines if last is None else lines[-1].endswith(last)


def test_an_error_in_a_piped_script_has_a_status(database: str) -> None:
    ran = piped("await missing", database)
    assert ran.returncode == 1
    assert "NameError: name 'missing' is not defined" in ran.stderr


def test_a_database_that_does_not_serve_is_told_in_one_line() -> None:
    ran = run("shell", "-c", "1", DATABASE_URL="postgresql://127.0.0.1:1/nothing")
    assert ran.returncode == 1
    assert "check that it runs" in ran.stderr
    assert ran.stderr.count("\n") == 1


if sys.platform != "win32":
    import pty
    import select

    class Terminal:
        """A terminal in which the shell runs."""

        def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
            self.master = master
            self.process = process
            self.unread = b""

        def type(self, text: str) -> None:
            os.write(self.master, text.encode())

        def enter(self, line: str) -> None:
            """Type a line, as soon as the prompt is there."""
            self.read_until(">>> ")
            self.type(f"{line}\n")

        def read_until(self, wanted: str, insisting: str = "") -> None:
            """Read what the terminal shows, up to `wanted`, which must come.

            `insisting` is typed again and again until then.
            """
            end = monotonic() + HANG_SECONDS
            self.type(insisting)
            while wanted.encode() not in self.unread:
                assert monotonic() < end, self.unread.decode()
                ready, _, _ = select.select([self.master], [], [], 1)
                if ready:
                    self.unread += os.read(self.master, 4096)
                else:
                    self.type(insisting)
            self.unread = self.unread.partition(wanted.encode())[2]

    @contextmanager
    def terminal(database: str) -> Iterator[Terminal]:
        master, slave = pty.openpty()
        name = os.ttyname(slave)
        # A session's first terminal is the one whose Ctrl-C it gets.
        script = f'exec "$@" <{name} >{name} 2>&1'
        process = subprocess.Popen(
            ["sh", "-c", script, "sh", *command("shell")],
            cwd=SMALL,
            env={**os.environ, **PATHS, "DATABASE_URL": database, "TERM": "dumb"},
            start_new_session=True,
        )
        try:
            yield Terminal(master, process)
        finally:
            process.kill()
            process.wait()
            os.close(slave)
            os.close(master)

    def test_what_is_awaited_at_the_prompt_is_shown(database: str) -> None:
        with terminal(database) as shell:
            shell.enter("import asyncio")
            shell.enter("40 + await asyncio.sleep(0, 2)")
            shell.read_until("42\r\n")
            query = "(await c.execute(tables['notes'].select())).all()"
            shell.enter(f"async with begin() as c: {query}\n")
            shell.read_until("[]\r\n")
            shell.read_until(">>> ")
            shell.type("\x04")
            assert shell.process.wait(HANG_SECONDS) == 0

    @pytest.mark.parametrize(
        "code",
        [
            "await __import__('asyncio').sleep(1000)",
            "all(n == 0 for n in iter(int, 1))",
        ],
    )
    def test_ctrl_c_ends_the_code_and_not_the_shell(database: str, code: str) -> None:
        with terminal(database) as shell:
            # Put together, so that the echo of what is typed is not taken for it.
            shell.enter(f"print('wait' + 'ing'); {code}")
            shell.read_until("waiting")
            # Code that never awaits is asked first, as in asyncio, and then ended.
            shell.read_until("KeyboardInterrupt", insisting="\x03")
            shell.enter("1 / 0")
            shell.read_until("ZeroDivisionError")
            shell.enter("raise SystemExit(3)")
            assert shell.process.wait(HANG_SECONDS) == 3

    def test_ctrl_c_at_the_prompt_does_not_end_the_shell(database: str) -> None:
        with terminal(database) as shell:
            shell.read_until(">>> ")
            # Python may miss a signal that comes just as it begins to read a line.
            shell.read_until("KeyboardInterrupt", insisting="\x03")
            shell.enter("exit()")
            assert shell.process.wait(HANG_SECONDS) == 0

    def test_sigterm_ends_the_shell_at_its_prompt(database: str) -> None:
        with terminal(database) as shell:
            shell.read_until(">>> ")

            def has_ended() -> bool:
                # Python may miss a signal that comes just as it begins to read a line.
                shell.process.send_signal(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    shell.process.wait(HANG_SECONDS / 6)
                return shell.process.returncode is not None

            until(has_ended)
            assert shell.process.returncode == 143
