"""A proxy between application and PostgreSQL that cuts or stalls at a chosen moment.

It reads the client's side of the protocol (PostgreSQL 18 documentation, 54.7) as far as
it must to know when a transaction's second statement and its COMMIT come by.
"""

import asyncio
from contextlib import suppress

from quart_chassis.testing.waiting import HANG_SECONDS

MOMENTS = ("before the statement", "before COMMIT", "during COMMIT", "after COMMIT")


class Proxy:
    """Passes everything on, until it is armed."""

    def __init__(self, to_port: int) -> None:
        self.to_port = to_port
        self.port = 0
        self.armed: str | None = None
        self.stall_seconds = 0.0
        self.struck = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for link in list(self._links):
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    async def strike(self, moment: str, stall_seconds: float = 0) -> None:
        """Cut the next connection that comes to `moment`, after a stall if asked for.

        Return when it happened.
        """
        self.armed, self.stall_seconds = moment, stall_seconds
        self.struck.clear()
        async with asyncio.timeout(HANG_SECONDS):
            await self.struck.wait()

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._links.add(task)
        try:
            server_reader, server_writer = await asyncio.open_connection(
                "127.0.0.1", self.to_port
            )
        except OSError:
            writer.transport.abort()
            self._links.discard(task)
            return
        answers = asyncio.create_task(_pass_on(server_reader, writer))
        link = Link(self, reader, server_writer, answers)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await link.run()
        answers.cancel()
        writer.transport.abort()
        server_writer.transport.abort()
        self._links.discard(task)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while received := await reader.read(65536):
            writer.write(received)
            await writer.drain()
    writer.transport.abort()


class Link:
    """One connection of the application's, followed message by message."""

    def __init__(
        self,
        proxy: Proxy,
        reader: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        answers: asyncio.Task[None],
    ) -> None:
        self.proxy = proxy
        self.reader = reader
        self.server = server
        self.answers = answers
        self.statements = 0

    async def run(self) -> None:
        """Pass messages on; returning cuts the connection."""
        await self._pass_startup_on()
        while True:
            head = await self.reader.readexactly(5)
            length = int.from_bytes(head[1:]) - 4
            message = head + await self.reader.readexactly(length)
            place, moment = self._place(message), self.proxy.armed
            if moment is None or place != moment.partition(" ")[2]:
                self.server.write(message)
                await self.server.drain()
                continue
            self.proxy.armed = None
            await self._strike(moment, message)
            return

    async def _strike(self, moment: str, message: bytes) -> None:
        if moment == "after COMMIT":
            # It is carried out, and its answer goes to nobody.
            self.answers.cancel()
        if moment in {"during COMMIT", "after COMMIT"}:
            self.server.write(message)
            await self.server.drain()
        if moment == "after COMMIT":
            await asyncio.sleep(0.2)
        self.proxy.struck.set()
        await asyncio.sleep(self.proxy.stall_seconds)

    async def _pass_startup_on(self) -> None:
        """The messages without a type: a wish for TLS, which is refused, and hello."""
        while True:
            head = await self.reader.readexactly(8)
            length = int.from_bytes(head[:4]) - 8
            self.server.write(head + await self.reader.readexactly(length))
            if int.from_bytes(head[4:]) == 196608:
                return

    def _place(self, message: bytes) -> str:
        """Where in a transaction the message stands, if that is of interest."""
        kind, content = message[:1], message[5:]
        if kind == b"B":
            self.statements += 1
            # The first one sets the transaction's limits.
            return "the statement" if self.statements == 2 else ""
        if kind == b"Q" and content.startswith(b"BEGIN"):
            self.statements = 0
        return "COMMIT" if kind == b"Q" and content.startswith(b"COMMIT") else ""
