"""Real servers in processes of their own, started as a user starts them."""

import os
import re
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest

from quart_chassis.testing.waiting import HANG_SECONDS, until

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = re.compile(r"http://[\d.]+:\d+")
# Made once: reading them takes longer than most requests.
CERTIFICATES = ssl.create_default_context()


class RunningServer:
    """A server process; the lines it prints are kept for the test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self.url = ""
        self._told = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if not self.url and (match := ADDRESS.search(line)):
                self.url = match[0]
                self._told.set()
        self._told.set()

    def wait_for_address(self) -> None:
        self._told.wait(HANG_SECONDS)
        assert self.url, "\n".join(self.lines)

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=HANG_SECONDS, verify=CERTIFICATES)

    def workers(self) -> list[psutil.Process]:
        """The worker processes, if there are several."""
        found = []
        for child in psutil.Process(self.process.pid).children():
            # A process that has just died has no command line.
            with suppress(psutil.Error):
                if "spawn_main" in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def replace_workers(self) -> None:
        """Send SIGHUP until all workers are new; again if Uvicorn gave one up."""
        before = {each.pid for each in self.workers()}
        given_up_before = self._given_up()
        sent = 0

        def replaced() -> bool:
            nonlocal sent
            if self._given_up() - given_up_before == sent:
                self.process.send_signal(signal.SIGHUP)
                sent += 1
            return not before & {each.pid for each in self.workers()}

        until(replaced)

    def _given_up(self) -> int:
        return sum("aborting the restart" in line for line in self.lines)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        status = self.process.wait(HANG_SECONDS)
        self._reader.join(HANG_SECONDS)
        return status


@contextmanager
def running(
    command: list[str],
    cwd: Path = ROOT,
    measured: bool = False,
    **environment: str,
) -> Iterator[RunningServer]:
    """Run `command` during the block, which begins once the address is printed.

    Its coverage counts only if it is `measured`, which slows the start down.
    """
    inherited = dict(os.environ)
    if not measured:
        inherited.pop("COVERAGE_PROCESS_CONFIG", None)
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env={**inherited, "LOG_FORMAT": "json", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    server = RunningServer(process)
    try:
        server.wait_for_address()
        yield server
    finally:
        if process.poll() is None:
            process.terminate()
        server.wait()
        assert process.stdout is not None
        process.stdout.close()


# The servers that the tests run behind; the second one only with --all.
ASGI_SERVERS = ["uvicorn", pytest.param("hypercorn", marks=pytest.mark.slow)]


def manage(*words: str) -> list[str]:
    """The documented command, with this Python."""
    return [sys.executable, "manage.py", *words]


def hypercorn(package: str) -> list[str]:
    """The same application behind Hypercorn, with two workers."""
    return [
        *(sys.executable, "-m", "hypercorn", f"{package}.asgi:app"),
        *("--bind", "127.0.0.1:0", "--workers", "2"),
    ]
