"""The handshake of a WebSocket."""

import asyncio
from collections.abc import Awaitable, Callable

from quart_chassis.door.answers import SWITCHED_TO_WEBSOCKET, Answer, Message

Receive = Callable[[], Awaitable[Message]]


def until_refused(receive: Receive, answer: Answer) -> Receive:
    """`receive`, which tells of a disconnect as soon as the handshake is refused.

    Uvicorn tells it then. Hypercorn never does, and Quart would wait for it for ever.
    """

    async def received() -> Message:
        if answer.status == SWITCHED_TO_WEBSOCKET:
            return await receive()
        refused = asyncio.ensure_future(answer.refused.wait())
        message = asyncio.ensure_future(receive())
        try:
            await asyncio.wait({refused, message}, return_when="FIRST_COMPLETED")
            if message.done():
                return message.result()
            return {"type": "websocket.disconnect", "code": 1006}
        finally:
            refused.cancel()
            message.cancel()

    return received
