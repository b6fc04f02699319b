"""A WebSocket's other end, over TCP: what a browser does, and what it would not."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from werkzeug.datastructures import Headers
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)

from quart_chassis.testing.waiting import HANG_SECONDS

HARMLESS = "harmless.example"


class Socket:
    """A connection; after the handshake it has a `status`, and a `body` if refused."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.protocol = WSConnection(ConnectionType.CLIENT)
        self.events: list[Event] = []
        self.status = 0
        self.headers = Headers()
        self.body = ""

    async def shake_hands(
        self, host: str, path: str, given: list[tuple[str, str]]
    ) -> None:
        """Ask for a WebSocket, and read the whole answer."""
        extra = [(name.encode(), value.encode()) for name, value in given]
        asked = self.protocol.send(
            Request(host=HARMLESS, target=path, extra_headers=extra)
        )
        # A client that is polite refuses to send every host.
        self.writer.write(asked.replace(HARMLESS.encode(), host.encode(), 1))
        answer = await self.next()
        if isinstance(answer, AcceptConnection):
            self.status = 101
            self._keep(answer.extra_headers)
            return
        assert isinstance(answer, RejectConnection)
        self._keep(answer.headers)
        self.status = answer.status_code
        finished = not answer.has_body
        while not finished:
            part = await self.next()
            assert isinstance(part, RejectData)
            self.body += bytes(part.data).decode()
            finished = part.body_finished

    def _keep(self, headers: Iterable[tuple[bytes, bytes]]) -> None:
        for name, value in headers:
            self.headers.add(name.decode(), value.decode())

    async def say(self, words: str | bytes) -> str | bytes:
        """Send a message; what comes back."""
        if isinstance(words, str):
            self.send(TextMessage(data=words))
        else:
            self.send(BytesMessage(data=words))
        heard = [await self._part()]
        while not heard[-1].message_finished:
            heard.append(await self._part())
        if isinstance(words, str):
            return "".join(str(part.data) for part in heard)
        return b"".join(part.data for part in heard if isinstance(part, BytesMessage))

    async def _part(self) -> TextMessage | BytesMessage:
        part = await self.next()
        assert isinstance(part, TextMessage | BytesMessage)
        return part

    def send(self, event: Event) -> None:
        self.writer.write(self.protocol.send(event))

    async def next(self) -> Event:
        """The next thing that the server does."""
        while not self.events:
            received = await self.reader.read(65536)
            self.protocol.receive_data(received or None)
            self.events.extend(self.protocol.events())
        return self.events.pop(0)

    async def close(self) -> None:
        """Say goodbye, and wait until the server has."""
        self.send(CloseConnection(code=1000))
        assert isinstance(await self.next(), CloseConnection)


@asynccontextmanager
async def connected(
    url: str, path: str = "/echo", host: str = "", **given: str
) -> AsyncIterator[Socket]:
    """A handshake on `path`; `given` are headers, `X_Request_ID` for X-Request-ID."""
    address = urlsplit(url)
    async with asyncio.timeout(HANG_SECONDS):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        socket = Socket(reader, writer)
        headers = [(name.replace("_", "-"), value) for name, value in given.items()]
        try:
            await socket.shake_hands(host or address.netloc, path, headers)
            yield socket
            if socket.status == 101:
                await socket.close()
        finally:
            writer.close()


async def echoed(url: str, words: str | bytes) -> str | bytes:
    """What /echo makes of one message."""
    async with connected(url) as socket:
        return await socket.say(words)
