"""What is written to a connection, joined."""

from asyncio import AbstractEventLoop, Transport
from typing import Any, cast

# So much is written at once, and not kept until the event loop's turn ends.
MOST_BYTES = 65_536


def joined(transport: Transport, loop: AbstractEventLoop) -> Transport:
    """`transport`, whose writes are joined."""
    return cast(Transport, JoinedWrites(transport, loop))


class JoinedWrites:
    """A transport that sends what is written in one turn of the event loop at once.

    Uvicorn writes the head and the body of an answer one after the other. Each writing
    is a call of the kernel, which may wake the caller, and costs as much as the rest of
    a short answer. Answers of one turn go out one right after the other, too.
    """

    def __init__(self, transport: Transport, loop: AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pieces: list[bytes] = []
        self._kept = 0
        # Asked several times for each request, which `__getattr__` makes dear.
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send it when the turn ends."""
        if not self._pieces:
            self._loop.call_soon(self.flush)
        self._pieces.append(data)
        self._kept += len(data)
        if self._kept > MOST_BYTES:
            self.flush()

    def flush(self) -> None:
        """Send what was written."""
        pieces, self._pieces, self._kept = self._pieces, [], 0
        if pieces and not self._transport.is_closing():
            self._transport.write(b"".join(pieces))

    def close(self) -> None:
        """Close it when all has been sent."""
        self.flush()
        self._transport.close()
