"""The compose files as their reader types them, on a Docker that is really there."""

import asyncio
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.keepalive import KeepAliveClients
from tests.postgres import free_port
from tests.servers import ROOT
from tests.waiting import until

PRODUCTION = ("-f", "docker-compose.yml", "-f", "compose.production.yml")
SECRETS = {"SECRET_KEY": "k" * 32, "DB_PASSWORD": 'any ch@racters: /%"'}
UP_SECONDS = 600

pytestmark = pytest.mark.slow


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


class Compose:
    """A project of the test's own, with a free port and volumes that go with it."""

    def __init__(self, *files: str, **environment: str) -> None:
        self.project = f"test{secrets.token_hex(4)}"
        self.port = free_port()
        self.words = [*command(), "-p", self.project, *files]
        ports = {"PORT": str(self.port), "DB_PORT": str(free_port())}
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

    def up(self) -> None:
        """Until it serves; what it said if it does not."""
        started = self.run("up", "--build", "--detach")
        assert started.returncode == 0, started.stderr
        until(self._serves, seconds=60)

    def _serves(self) -> bool:
        try:
            return self.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def get(self, path: str) -> httpx.Response:
        return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=20)

    def visit(self) -> int:
        """The number after one more visit."""
        (number,) = re.findall(r"Counter: (\d+)", self.get("/").text)
        return int(number)

    def inspect(self, what: str, service: str = "web") -> str:
        container = self.run("ps", "--all", "--quiet", service)
        if container.returncode:
            # Compose 1 shows those that ended without being asked.
            container = self.run("ps", "--quiet", service)
        words = ["docker", "inspect", "--format", what, container.stdout.strip()]
        return subprocess.run(
            words, check=True, capture_output=True, text=True
        ).stdout.strip()


@pytest.fixture
def compose() -> Iterator[Callable[..., Compose]]:
    made: list[Compose] = []

    def make(*files: str, **environment: str) -> Compose:
        made.append(Compose(*files, **environment))
        return made[-1]

    yield make
    for project in made:
        project.run("down", "--volumes", "--timeout", "10")


def test_up_counts_and_a_second_up_goes_on_counting(
    compose: Callable[..., Compose],
) -> None:
    project = compose()
    project.up()
    assert project.visit() == 1
    assert "DB_HOST: db" in project.get("/app-settings").text
    assert project.run("down").returncode == 0
    project.up()
    assert project.visit() == 2


def test_production_is_closed_and_healthy(compose: Callable[..., Compose]) -> None:
    project = compose(*PRODUCTION, **SECRETS)
    project.up()
    assert project.visit() == 1
    assert project.get("/app-settings").status_code == 404
    until(lambda: project.inspect("{{.State.Health.Status}}") == "healthy", seconds=60)
    assert project.inspect("{{.HostConfig.ReadonlyRootfs}}") == "true"
    assert project.run("exec", "-T", "web", "id", "-u").stdout.strip() == "10001"
    assert project.run("exec", "-T", "web", "touch", "/app/x").returncode != 0
    # Not published, whatever the override does for development.
    assert project.inspect("{{.HostConfig.PortBindings}}", "db") == "map[]"


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_production_refuses_to_start_without_its_secrets(
    compose: Callable[..., Compose], missing: str
) -> None:
    given = {name: value for name, value in SECRETS.items() if name != missing}
    refused = compose(*PRODUCTION, **given).run("up", "--detach")
    assert refused.returncode != 0
    assert "put it into .env" in refused.stderr


def test_a_password_changed_after_the_first_start_is_told(
    compose: Callable[..., Compose],
) -> None:
    project = compose(*PRODUCTION, **SECRETS)
    project.up()
    project.environment["DB_PASSWORD"] = "another"
    refused = project.run("run", "--rm", "migrate")
    assert refused.returncode == 1
    told = refused.stdout + refused.stderr
    assert "a database keeps those it was made with" in told
    assert "another" not in told


async def test_a_stop_under_load_fails_no_accepted_request(
    compose: Callable[..., Compose],
) -> None:
    project = compose(*PRODUCTION, **SECRETS)
    await asyncio.to_thread(project.up)
    # Past Docker's own proxy, which takes connections for a container that has gone.
    networks = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    clients = KeepAliveClients(project.inspect(networks), 5001)

    def stop() -> None:
        until(lambda: clients.have_answers(500))
        stopped = project.run("stop", "web")
        assert stopped.returncode == 0

    await clients.run(16, stop)
    # 137 would be a kill after the ten seconds of grace.
    assert project.inspect("{{.State.ExitCode}}") == "0"
    assert clients.outcomes.keys() == {200}
    assert clients.lost == []
