"""The handshake of a WebSocket."""

import asyncio
from collections.abc import Awaitable, Callable

from quart_chassis.door.answers import SWITCHED_TO_WEBSOCKET, Answer, Message

Receive = Callable[[], Awaitable[Message]]
# What ends a handshake, unless it was accepted before.
REFUSALS = {"websocket.http.response.body", "websocket.close"}


class Handshake:
    """The application's side of a handshake: it ends as soon as it is refused.

    Uvicorn sends a disconnect then. Hypercorn does not, and Quart would wait for ever.
    """

    def __init__(self, receive: Receive, answer: Answer) -> None:
        self._receive = receive
        self._answer = answer
        self._refused = asyncio.Event()

    async def send(self, message: Message) -> None:
        """As `Answer.send`; notes a refusal."""
        await self._answer.send(message)
        if message["type"] in REFUSALS and not message.get("more_body"):
            self._refused.set()

    async def receive(self) -> Message:
        """The caller's next message, or a disconnect after a refusal."""
        if self._answer.status == SWITCHED_TO_WEBSOCKET:
            return await self._receive()
        refused = asyncio.ensure_future(self._refused.wait())
        message = asyncio.ensure_future(self._receive())
        try:
            await asyncio.wait({refused, message}, return_when="FIRST_COMPLETED")
            if message.done():
                return message.result()
            return {"type": "websocket.disconnect", "code": 1006}
        finally:
            refused.cancel()
            message.cancel()
