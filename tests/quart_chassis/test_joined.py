"""What a connection is sent in one turn of the event loop."""

import asyncio

from quart_chassis.serve.joined import MOST_BYTES, joined


class Recorded(asyncio.Transport):
    """A transport that keeps what it is to send."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closed
        self.sent.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


async def test_what_is_written_in_a_turn_is_sent_at_once() -> None:
    recorded = Recorded()
    transport = joined(recorded, asyncio.get_running_loop())
    transport.write(b"head ")
    transport.write(b"body")
    assert recorded.sent == []
    await asyncio.sleep(0)
    transport.write(b"more")
    await asyncio.sleep(0)
    assert recorded.sent == [b"head body", b"more"]


async def test_long_answers_are_not_kept() -> None:
    """Else a view that never waits would fill the memory."""
    recorded = Recorded()
    transport = joined(recorded, asyncio.get_running_loop())
    piece = b"x" * (MOST_BYTES // 2)
    for _ in range(9):
        transport.write(piece)
    assert sum(map(len, recorded.sent)) >= 8 * len(piece)
    await asyncio.sleep(0)
    assert b"".join(recorded.sent) == piece * 9


async def test_closing_sends_what_was_written() -> None:
    recorded = Recorded()
    transport = joined(recorded, asyncio.get_running_loop())
    transport.write(b"last words")
    transport.close()
    assert recorded.sent == [b"last words"]
    assert recorded.closed
    await asyncio.sleep(0)
    assert recorded.sent == [b"last words"]


async def test_nothing_is_sent_to_who_has_left() -> None:
    recorded = Recorded()
    transport = joined(recorded, asyncio.get_running_loop())
    transport.write(b"too late")
    recorded.close()
    await asyncio.sleep(0)
    assert recorded.sent == []
