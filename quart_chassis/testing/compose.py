"""Projects of Docker compose, made for a test and gone after it: a pytest plugin."""

import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from quart_chassis.testing.postgres import free_port
from quart_chassis.testing.servers import ROOT
from quart_chassis.testing.waiting import until

PRODUCTION = ("-f", "docker-compose.yml", "-f", "compose.production.yml")
SECRETS = {"SECRET_KEY": "k" * 32, "DB_PASSWORD": 'any ch@racters: /%"'}
UP_SECONDS = 600


def command() -> list[str]:
    """Compose, new or old; the tests are skipped where there is none, or no Docker."""
    for words in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(words[0]) and succeeds([*words, "version"]):
            if not succeeds(["docker", "info"]):
                pytest.skip("Docker does not run here")
            return words
    pytest.skip("no docker compose on PATH")


def succeeds(words: list[str]) -> bool:
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


def free_ports(number: int) -> int:
    """The first of so many in a row, below those that the kernel gives away."""
    return next(
        first
        for first in range(20_000, 30_000, number)
        if all(map(is_free, range(first, first + number)))
    )


def is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


class Compose:
    """A project of the test's own, with free ports and volumes that go with it."""

    def __init__(
        self, *files: str, env_file: Path, replicas: int = 1, **environment: str
    ) -> None:
        self.project = f"test{secrets.token_hex(4)}"
        self.port = free_ports(replicas)
        self.replicas = replicas
        self.words = [*command(), "-p", self.project, *files]
        ports = {"PORT": str(self.port), "DB_PORT": str(free_port())}
        if replicas > 1:
            ports["PORT"] += f"-{self.port + replicas - 1}"
        # Never the developer's own .env.
        ports["ENV_FILE"] = str(env_file)
        self.environment = {**os.environ, **ports, **environment}
        self.environment.pop("ENV_FOR_DYNACONF", None)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.words, *words],
            cwd=ROOT,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
        )

    def pipe(self, *words: str, given: bytes = b"") -> bytes:
        """As `run`, for what is no text; it must succeed."""
        return subprocess.run(
            [*self.words, *words],
            cwd=ROOT,
            env=self.environment,
            check=True,
            input=given,
            stdout=subprocess.PIPE,
            timeout=UP_SECONDS,
        ).stdout

    def up(self) -> None:
        """Until it serves; what it said if it does not."""
        started = self.run(
            "up", "--build", "--detach", "--scale", f"web={self.replicas}"
        )
        assert started.returncode == 0, started.stderr
        until(self._serves)

    def _serves(self) -> bool:
        try:
            return self.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=20)

    def containers(self, service: str = "web") -> list[str]:
        """Their ids, also of those that ended."""
        listed = self.run("ps", "--all", "--quiet", service)
        if listed.returncode:
            # Compose 1 shows those that ended without being asked.
            listed = self.run("ps", "--quiet", service)
        return listed.stdout.split()

    def inspect(self, what: str, service: str = "web") -> str:
        """What Docker says of the service's containers, a line each."""
        return docker("inspect", "--format", what, *self.containers(service))

    def addresses(self) -> list[str]:
        """Where the servers are."""
        return addresses_of(*self.containers())

    def variable(self, name: str, service: str = "db") -> str:
        """A variable of the service's container, which must run."""
        return self.pipe("exec", "-T", service, "printenv", name).decode().strip()


def addresses_of(*containers: str) -> list[str]:
    """Past Docker's proxy for published ports, which outlives its container a little.

    It takes connections for one that has gone.
    """
    networks = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return docker("inspect", "--format", networks, *containers).split()


def docker(*words: str) -> str:
    return subprocess.run(
        ["docker", *words], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def compose(tmp_path: Path) -> Iterator[Callable[..., Compose]]:
    """Make projects; they go with the test. `settings` are what .env holds."""
    made: list[Compose] = []

    def make(
        *files: str, settings: str = "", replicas: int = 1, **environment: str
    ) -> Compose:
        env_file = tmp_path / "env"
        env_file.write_text(settings)
        project = Compose(*files, env_file=env_file, replicas=replicas, **environment)
        made.append(project)
        return project

    yield make
    for project in made:
        project.run("down", "--volumes", "--timeout", "10")
