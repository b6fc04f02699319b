"""The same application behind each server, with two workers, over TCP."""

from collections.abc import Iterator

import pytest

from quart_chassis.project import Project
from quart_chassis.testing.databases import TestServer
from quart_chassis.testing.servers import RunningServer, hypercorn, running
from quart_chassis.testing.waiting import until
from tests.quart_chassis.small_project import PATHS, SMALL, command

SERVERS = {
    "uvicorn": command("run", "--port", "0", "--workers", "2"),
    "hypercorn": hypercorn("small_app"),
}


@pytest.fixture(
    scope="module",
    params=["uvicorn", pytest.param("hypercorn", marks=pytest.mark.slow)],
)
def server(
    request: pytest.FixtureRequest, test_server: TestServer, project: Project
) -> Iterator[RunningServer]:
    name = test_server.new_database(test_server.template(project))
    address = test_server.url(name)
    started = SERVERS[request.param]
    with running(started, SMALL, False, DATABASE_URL=address, **PATHS) as server:
        yield server
    test_server.drop(name)


def test_every_server_answers_alike(server: RunningServer) -> None:
    answers = {path: server.get(path) for path in ("/livez", "/readyz", "/", "/x")}
    assert [answer.status_code for answer in answers.values()] == [200, 200, 200, 404]
    assert all(answer.headers["X-Request-ID"] for answer in answers.values())
    server.get("/two%0Alines?token=s3cret")
    until(lambda: '"path": "/two%0Alines"' in "\n".join(server.lines))
    assert "s3cret" not in "\n".join(server.lines)
