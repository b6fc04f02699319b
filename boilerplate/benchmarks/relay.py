"""A database that is farther away: `python relay.py PORT_OF_IT PORT MILLISECONDS`.

What is sent to PORT reaches PORT_OF_IT after half of the time, and so do the answers.
"""

import asyncio
import sys
from asyncio import BaseTransport, Protocol, Transport


class Late(Protocol):
    """One side of a connection; passes on what it receives, in order, later."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.transport: Transport | None = None
        self.other: Late | None = None
        self.early: list[bytes] = []

    def connection_made(self, transport: BaseTransport) -> None:
        assert isinstance(transport, Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self.early.append(data)
        else:
            asyncio.get_running_loop().call_later(self.seconds, self.other.send, data)

    def send(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is not None and self.other.transport is not None:
            # Behind what is still to be passed on.
            loop = asyncio.get_running_loop()
            loop.call_later(self.seconds, self.other.transport.close)


async def relay(database: int, port: int, seconds: float) -> None:
    """Serve for ever."""
    loop = asyncio.get_running_loop()
    tasks = set()

    async def join(near: Late) -> None:
        _, far = await loop.create_connection(
            lambda: Late(seconds), "127.0.0.1", database
        )
        near.other, far.other = far, near
        for data in near.early:
            near.data_received(data)

    def accept() -> Late:
        near = Late(seconds)
        task = loop.create_task(join(near))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return near

    server = await loop.create_server(accept, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(relay(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 2000))
