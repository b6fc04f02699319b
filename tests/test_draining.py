import asyncio
import re
import signal
import threading

import httpx
import pytest

from tests.keepalive import KeepAliveClients
from tests.postgres import free_port
from tests.servers import RunningServer, manage, running
from tests.waiting import until


@pytest.mark.slow
async def test_twenty_restarts_lose_no_request(database: str) -> None:
    await restart_under_load(database, restarts=20)


async def test_a_restart_loses_no_request(database: str) -> None:
    await restart_under_load(database, restarts=1)


async def restart_under_load(database: str, restarts: int) -> None:
    port = free_port()
    command = manage("run", "--workers", "2", "--port", str(port))
    clients = KeepAliveClients("127.0.0.1", port)

    def restart() -> None:
        for _ in range(restarts):
            answered = clients.outcomes.total()
            with running(command, DATABASE_URL=database) as server:
                until(lambda: clients.outcomes.total() > answered + 100)
                assert server.stop() == 0

    await clients.run(32, restart)
    assert clients.lost == []
    assert set(clients.outcomes) == {200}
    with running(command, DATABASE_URL=database) as server:
        page = await asyncio.to_thread(server.get, "/")
    (number,) = re.findall(r"Counter: (\d+)", page.text)
    assert int(number) == clients.outcomes[200] + 1
    print(f"{restarts} restarts, {clients.outcomes[200]} requests, none lost")
