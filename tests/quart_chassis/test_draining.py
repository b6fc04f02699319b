import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import httpx
import pytest
from small_app.application import create_app
from uvicorn import Config, Server

from quart_chassis.application import Application
from quart_chassis.serve import stopping
from quart_chassis.testing.keepalive import Serve, restart_under_load
from quart_chassis.testing.servers import RunningServer
from quart_chassis.testing.waiting import until
from tests.quart_chassis.small_project import serving


@pytest.mark.slow
async def test_twenty_restarts_lose_no_request(database: str) -> None:
    await restart_under_load(two_workers(database), 20, connections=32)


@pytest.mark.skipif(sys.platform != "linux", reason="promised on Linux only")
async def test_a_restart_loses_no_request(database: str) -> None:
    await restart_under_load(two_workers(database), 1, connections=4)


def two_workers(database: str) -> Serve:
    def serve(port: str) -> AbstractContextManager[RunningServer]:
        return serving("--workers", "2", "--port", port, DATABASE_URL=database)

    return serve


@pytest.mark.parametrize(
    ("workers", "number"),
    [("1", signal.SIGTERM), pytest.param("2", signal.SIGINT, marks=pytest.mark.slow)],
)
def test_a_stopping_server_says_so_for_a_second_and_ends_well(
    database: str, workers: str, number: int
) -> None:
    heard: list[httpx.Response] = []

    def is_ready() -> bool:
        heard.append(server.get("/readyz"))
        return heard[-1].status_code == 200

    with serving("--workers", workers, measured=True, DATABASE_URL=database) as server:
        assert is_ready()
        assert "Connection" not in server.get("/livez").headers
        server.process.send_signal(number)
        until(lambda: not is_ready())
        ready = heard[-1]
        assert ready.status_code == 503
        assert ready.json() == {"status": "unavailable", "server": "stopping"}
        assert ready.headers["Connection"] == "close"
        alive = server.get("/livez")
        assert (alive.status_code, alive.headers["Connection"]) == (200, "close")
        assert server.wait() == 0
    assert not any("Traceback" in line for line in server.lines)


def test_a_second_ctrl_c_cuts_the_farewell_short(database: str) -> None:
    with serving(measured=True, DATABASE_URL=database) as server:
        assert answers(server)
        server.process.send_signal(signal.SIGINT)
        until(lambda: server.get("/readyz").status_code == 503)
        server.process.send_signal(signal.SIGTERM)
        assert server.get("/livez").status_code == 200
        server.process.send_signal(signal.SIGINT)
        until(lambda: any("Shutting down" in line for line in server.lines))
        assert server.wait() == 0


@pytest.fixture
def unharmed() -> Iterator[None]:
    """Uvicorn raises the signal that stopped it once more."""
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.usefixtures("unharmed")
async def test_a_stop_during_the_start_loses_nobody_either(app: Application) -> None:
    """Seen to fail where the server's own handling of an early signal is left alone."""
    stopping.install(app)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(Config(app, log_config=None))
        # What its handler of signals does.
        server.should_exit = True
        stopped = asyncio.create_task(server.serve([listener]))
        async with httpx.AsyncClient() as client:
            port = listener.getsockname()[1]
            answer = await client.get(f"http://127.0.0.1:{port}/livez")
        assert (answer.status_code, answer.headers["Connection"]) == (200, "close")
        await stopped


@pytest.mark.slow
def test_workers_do_not_outlive_their_parent(database: str) -> None:
    with serving("--workers", "2", DATABASE_URL=database) as server:
        assert server.get("/livez").status_code == 200
        server.process.kill()
        until(lambda: not answers(server))


def answers(server: RunningServer) -> bool:
    try:
        return server.get("/livez").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.slow
def test_a_worker_that_dies_is_replaced(database: str) -> None:
    with serving("--workers", "2", DATABASE_URL=database) as server:
        until(lambda: len(started_workers(server)) == 2)
        victims = started_workers(server)
        os.kill(victims[0], signal.SIGKILL)
        until(lambda: len(started_workers(server)) == len(victims) + 1)
        until(lambda: answers(server))
        assert server.stop() == 0


def started_workers(server: RunningServer) -> list[int]:
    told = "\n".join(server.lines)
    return [int(pid) for pid in re.findall(r"Started server process \[(\d+)\]", told)]


def test_signals_are_left_alone_outside_the_main_thread(database: str) -> None:
    handler = signal.getsignal(signal.SIGTERM)

    async def serve() -> int:
        async with create_app(DATABASE_URL=database).test_app() as app:
            assert signal.getsignal(signal.SIGTERM) is handler
            return (await app.test_client().get("/livez")).status_code

    with ThreadPoolExecutor() as pool:
        assert pool.submit(asyncio.run, serve()).result() == 200
