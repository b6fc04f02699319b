"""The same application behind each server, with two workers, over TCP."""

from collections.abc import Iterator

import pytest

from quart_chassis.testing.servers import (
    ASGI_SERVERS,
    RunningServer,
    hypercorn,
    running,
)
from quart_chassis.testing.waiting import until
from tests.quart_chassis.small_project import PATHS, SMALL, command

SERVERS = {
    "uvicorn": command("run", "--port", "0", "--workers", "2"),
    "hypercorn": hypercorn("small_app"),
}


@pytest.fixture(scope="module", params=ASGI_SERVERS)
def server(
    request: pytest.FixtureRequest, module_database: str
) -> Iterator[RunningServer]:
    given = {"DATABASE_URL": module_database, **PATHS}
    with running(SERVERS[request.param], SMALL, False, **given) as server:
        yield server


def test_every_server_answers_alike(server: RunningServer) -> None:
    answers = {path: server.get(path) for path in ("/livez", "/readyz", "/", "/x")}
    assert [answer.status_code for answer in answers.values()] == [200, 200, 200, 404]
    assert all(answer.headers["X-Request-ID"] for answer in answers.values())
    server.get("/two%0Alines?token=s3cret")
    until(lambda: '"path": "/two%0Alines"' in "\n".join(server.lines))
    assert "s3cret" not in "\n".join(server.lines)
