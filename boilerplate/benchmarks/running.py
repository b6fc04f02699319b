"""Start a contender, ask it, and see that the database has what it answered."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psutil

from boilerplate.benchmarks import load, plain
from boilerplate.benchmarks.field import Contender
from boilerplate.benchmarks.load import Result
from quart_chassis.errors import UserError
from quart_chassis.testing.postgres import OwnPostgres, free_port

START_SECONDS = 30
# The contenders know nothing of days.
WITHOUT_DAYS = "ALTER TABLE counters ALTER base SET DEFAULT 0"
# What makes each commit take longer (PostgreSQL manual, 19.5.1).
SLOW = (
    "ALTER SYSTEM SET commit_delay = {}",
    "ALTER SYSTEM SET commit_siblings = 0",
    "SELECT pg_reload_conf()",
)


@dataclass(frozen=True)
class Choice:
    """How a contender is set: its pool, and whether it calls `gc.freeze`."""

    pool: int
    freeze: bool

    def __str__(self) -> str:
        return f"pool {self.pool}{', frozen' if self.freeze else ''}"


@dataclass(frozen=True)
class Measured:
    """A result, how many of the answered visits were lost, and memory in bytes."""

    result: Result
    lost: int
    answered: int
    memory: int


class Track:
    """One machine and one PostgreSQL, on which contenders run one after another."""

    def __init__(
        self,
        server: OwnPostgres,
        programs: dict[str, str],
        pins: tuple[list[str], list[str]],
        clients: int,
    ) -> None:
        self.server = server
        self.programs = programs
        self._of_server, self.of_others = pins
        self.clients = clients
        self.url = server.url()

    def slow_down(self, milliseconds: int) -> None:
        """Have each commit take so much longer."""
        for statement in SLOW:
            self.sql(statement.format(milliseconds * 1000))

    def measure(
        self, who: Contender, choice: Choice, seconds: int, first: Sequence[str] = ()
    ) -> Measured:
        """Start it, warm it up for a second, and ask it for so long.

        `first` are statements to begin with, on empty counters. UserError if the
        database has not what it answered, unless it is known to lose.
        """
        self.sql("TRUNCATE counters, counter_days")
        for statement in first:
            self.sql(statement)
        if who.program == "pgbench":
            return self._without_server(choice.pool, seconds)
        port = free_port()
        with self.serving(who, choice, port) as process:
            url = f"http://127.0.0.1:{port}{who.path}"
            warm = self._ask(url, who, 1)
            result = self._ask(url, who, seconds)
            memory = _memory(process)
        errors = warm.errors + result.errors
        if errors and not who.loses:
            raise UserError(f"{who.name}: {errors} requests failed")
        answered = warm.requests + result.requests - errors
        stored = self.stored() if who.counts else answered
        # What was under way when wrk stopped, twice, was counted for nobody.
        if not who.loses and not answered <= stored <= answered + 2 * self.clients:
            raise UserError(
                f"{who.name} answered {answered} requests, and the database has "
                f"{stored}: there is nothing to compare"
            )
        return Measured(result, max(answered - stored, 0), answered, memory)

    def _without_server(self, connections: int, seconds: int) -> Measured:
        binaries, url = self.server.binaries, self.server.url()
        result = plain.ask(binaries, url, connections, seconds, self._of_server)
        return Measured(result, 0, result.requests, 0)

    def stored(self) -> int:
        """The sum of the counters that were counted."""
        counted = "SELECT sum(value) FROM counters WHERE name NOT LIKE 'filled-%'"
        return int(self.sql(counted) or 0)

    def sql(self, statement: str, database: str = "app") -> str:
        """What psql answers."""
        psql = str(self.server.binaries / "psql")
        found = subprocess.run(
            [psql, "-qAtc", statement, self.server.url(database)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        return found.strip()

    def _ask(self, url: str, who: Contender, seconds: int) -> Result:
        return load.ask(url, who.script, self.clients, seconds, self.of_others)

    @contextmanager
    def serving(
        self, who: Contender, choice: Choice, port: int
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Have it serve on the port in this block."""
        environment = {
            **os.environ,
            **who.environment,
            "DATABASE_URL": self.url,
            "POOL_SIZE": str(choice.pool),
            "DB_POOL_SIZE": str(choice.pool),
            "FREEZE": str(int(choice.freeze)),
            "PORT": str(port),
            "SECRET_KEY": "k" * 32,
            "ENV_FOR_DYNACONF": "production",
            "METRICS": "true",
            "LOG_FORMAT": "json",
            # The load is a stranger who makes thousands of counters.
            "NEW_COUNTERS_PER_MINUTE": "1000000",
            "MAX_COUNTERS": "10000000",
        }
        command = who.command(self.programs, port)
        command = [word.replace("{pool}", str(choice.pool)) for word in command]
        # Several workers need several processors.
        pinned = [] if "WORKERS" in who.environment else self._of_server
        process = subprocess.Popen(
            [*pinned, *command],
            cwd=who.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(port, process, who)
            yield process
        finally:
            process.terminate()
            process.wait(START_SECONDS)


def _wait_for(port: int, process: subprocess.Popen[bytes], who: Contender) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            # Nothing tells that another program listens.
            time.sleep(0.05)
        else:
            return
    raise UserError(f"{who.name} does not start: {who.program} {who.words}")


def _memory(process: subprocess.Popen[bytes]) -> int:
    """Of the process and those below it."""
    own = psutil.Process(process.pid)
    return sum(each.memory_info().rss for each in (own, *own.children(recursive=True)))
