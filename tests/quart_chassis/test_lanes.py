"""What a lane does not answer comes to the application as the server gave it."""

import asyncio
from typing import Any

from quart_chassis.door.lanes import Lane, Lanes

SCOPE = {
    "type": "http",
    "http_version": "1.1",
    "method": "POST",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "headers": [(b"content-length", b"0")],
}


async def declines(_: dict[str, Any]) -> None:
    """Leave it to the application."""


def test_the_body_ends_once() -> None:
    """Quart 0.23 answers 500 if it ends again."""
    heard: list[str] = []

    async def application(_: object, receive: Any, __: object) -> None:
        heard.append((await receive())["type"])
        heard.append((await receive())["type"])

    async def ask() -> None:
        messages: list[dict[str, Any]] = [
            {"type": "http.disconnect"},
            {"type": "http.request", "body": b"", "more_body": False},
        ]

        async def receive() -> dict[str, Any]:
            return messages.pop()

        async def send(_: object) -> None:
            raise AssertionError("nothing answers")

        lanes = Lanes(application)
        lanes.open([Lane("POST", "/", declines)])
        await lanes(SCOPE, receive, send)

    asyncio.run(ask())
    assert heard == ["http.request", "http.disconnect"]
