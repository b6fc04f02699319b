"""The compose files as their reader types them, on a Docker that is really there."""

import asyncio
from collections.abc import Callable
from urllib.parse import quote

import httpx
import pytest

from quart_chassis.testing.compose import (
    PRODUCTION,
    SECRETS,
    Compose,
    addresses_of,
    docker,
)
from quart_chassis.testing.keepalive import KeepAliveClients
from quart_chassis.testing.servers import ROOT
from quart_chassis.testing.waiting import until

pytestmark = pytest.mark.slow


def test_production_is_closed_and_healthy(compose: Callable[..., Compose]) -> None:
    project = compose(*PRODUCTION, **SECRETS)
    project.up()
    assert project.get("/").status_code == 200
    assert project.get("/app-settings").status_code == 404
    until(lambda: project.inspect("{{.State.Health.Status}}") == "healthy")
    assert project.inspect("{{.HostConfig.ReadonlyRootfs}}") == "true"
    assert project.run("exec", "-T", "web", "id", "-u").stdout.strip() == "10001"
    assert project.run("exec", "-T", "web", "touch", "/app/x").returncode != 0
    # Not published, whatever the override does for development.
    assert project.inspect("{{.HostConfig.PortBindings}}", "db") == "map[]"


def test_development_writes_into_the_code_of_whoever_owns_it(
    compose: Callable[..., Compose],
) -> None:
    owner = str(ROOT.stat().st_uid)
    project = compose(APP_UID=owner)
    project.up()
    assert project.run("exec", "-T", "web", "id", "-u").stdout.strip() == owner
    assert project.run("exec", "-T", "web", "test", "-w", "migrations").returncode == 0


def test_every_setting_may_stand_in_env(compose: Callable[..., Compose]) -> None:
    project = compose(*PRODUCTION, settings="METRICS=true\nPORT=9\n", **SECRETS)
    project.up()
    assert project.get("/metrics").status_code == 200


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
    project.environment |= {"DB_PASSWORD": "another"}
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
    (address,) = project.addresses()
    clients = KeepAliveClients(address, 5001)

    def stop() -> None:
        until(lambda: clients.have_answers_or_lost(500))
        stopped = project.run("stop", "web")
        assert stopped.returncode == 0

    await clients.run(16, stop)
    # 137 would be a kill after the ten seconds of grace.
    assert project.inspect("{{.State.ExitCode}}") == "0"
    assert clients.outcomes.keys() == {200}
    assert clients.lost == []


def test_a_platforms_port_and_database_url_are_all_it_takes(
    compose: Callable[..., Compose],
) -> None:
    project = compose(*PRODUCTION, **SECRETS)
    project.up()
    password = quote(SECRETS["DB_PASSWORD"], safe="")
    login = f"{project.variable('POSTGRES_USER')}:{password}"
    database = project.variable("POSTGRES_DB")
    given = {
        "PORT": "8080",
        "DATABASE_URL": f"postgres://{login}@db/{database}?sslmode=prefer",
        "SECRET_KEY": SECRETS["SECRET_KEY"],
    }
    variables = [word for pair in given.items() for word in ("-e", "=".join(pair))]
    network = ("--network", f"{project.project}_default")
    image = project.inspect("{{.Config.Image}}")
    platform = docker("run", "-d", *network, *variables, image)
    try:
        until(lambda: health(platform) == "healthy")
        (address,) = addresses_of(platform)
        assert httpx.get(f"http://{address}:8080/").status_code == 200
    finally:
        docker("rm", "--force", platform)


def health(container: str) -> str:
    return docker("inspect", "--format", "{{.State.Health.Status}}", container)


def test_https_at_the_proxy_is_believed(compose: Callable[..., Compose]) -> None:
    project = compose(*PRODUCTION, **SECRETS)
    project.up()
    address = f"http://127.0.0.1:{project.port}/"
    secure = httpx.get(address, headers={"X-Forwarded-Proto": "https"})
    assert "Strict-Transport-Security" in secure.headers
    assert "Strict-Transport-Security" not in httpx.get(address).headers
