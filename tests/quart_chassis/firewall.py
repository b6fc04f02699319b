"""What stands between an application and its database, and may forget connections."""

import asyncio


class Firewall:
    """Passes connections on, until it drops those that are there.

    Unless it `is_open`, new ones are accepted, and nothing passes, as with a frozen
    server.
    """

    def __init__(self, to_port: int) -> None:
        self.accepted = 0
        self.is_open = True
        self._to_port = to_port
        self._pumps: set[asyncio.Task[None]] = set()
        self._ends: list[asyncio.StreamWriter] = []

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.accepted += 1
        self._ends.append(writer)
        if not self.is_open:
            return
        there = await asyncio.open_connection("127.0.0.1", self._to_port)
        self._ends.append(there[1])
        for source, target in ((reader, there[1]), (there[0], writer)):
            self._pumps.add(asyncio.create_task(pump(source, target)))

    def drop(self) -> None:
        """Nothing passes any more on what is open, and nobody is told."""
        for each in self._pumps:
            each.cancel()
        self._pumps.clear()

    def close(self) -> None:
        self.drop()
        self._server.close()
        for each in self._ends:
            each.transport.abort()


async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
        await target.drain()
