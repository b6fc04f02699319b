"""Keep-alive clients, which tell a refused connection from a lost request."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from quart_chassis.testing.postgres import free_port
from quart_chassis.testing.servers import RunningServer
from quart_chassis.testing.waiting import until

Serve = Callable[[str], AbstractContextManager[RunningServer]]


class KeepAliveClients:
    """Many clients that request one path, each again as soon as it is answered.

    `outcomes` counts the responses by status. A refused connection was never accepted
    and is tried again; `lost` has an error for each request that was sent and got no
    complete response.
    """

    def __init__(self, host: str, port: int, path: str = "/") -> None:
        self.host = host
        self.port = port
        self.request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self.outcomes: Counter[int] = Counter()
        self.lost: list[str] = []
        self.stopping = False

    def have_answers_or_lost(self, number: int) -> bool:
        """Whether so many requests were answered, or one was lost."""
        return self.outcomes.total() >= number or bool(self.lost)

    async def run(self, clients: int, work: Callable[[], None]) -> None:
        """Send requests from so many `clients` while `work` runs in a thread."""
        tasks = [asyncio.create_task(self._ask()) for _ in range(clients)]
        try:
            await asyncio.to_thread(work)
        finally:
            self.stopping = True
            await asyncio.gather(*tasks)

    async def _ask(self) -> None:
        while not self.stopping:
            try:
                reader, writer = await asyncio.open_connection(self.host, self.port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            try:
                while not self.stopping and await self._exchange(reader, writer):
                    pass
            except (OSError, asyncio.IncompleteReadError) as error:
                self.lost.append(repr(error))
            finally:
                writer.close()

    async def _exchange(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether the connection may be used again."""
        if reader.at_eof():
            return False
        writer.write(self.request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:-2])
        await reader.readexactly(int(headers["content-length"]))
        self.outcomes[int(head.split(" ", 2)[1])] += 1
        return headers.get("connection") != "close"


async def restart_under_load(serve: Serve, restarts: int, connections: int) -> int:
    """Restart a server under load; fails if a request is lost. The number of 200s.

    `serve` is called with a port, the same one each time. Each of the `connections`
    must be answered once in the second of the drain, so a slow machine takes few.
    """
    port = free_port()
    clients = KeepAliveClients("127.0.0.1", port)

    def restart() -> None:
        for _ in range(restarts):
            answered = clients.outcomes.total()
            with serve(str(port)) as server:
                until(partial(clients.have_answers_or_lost, answered + 100))
                assert server.stop() == 0

    await clients.run(connections, restart)
    assert clients.lost == []
    assert set(clients.outcomes) == {200}
    print(f"{restarts} restarts, {clients.outcomes[200]} requests, none lost")
    return clients.outcomes[200]
