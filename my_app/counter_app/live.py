"""Event streams of counters' values: one query serves all watchers of a worker.

A worker polls the database at most four times a second, and only while it has watchers.
A watcher holds only the latest value, so a slow reader costs no more than a fast one.
The kernel drops a reader that stops reading (`quart_chassis/serve/server.py`).
"""

import asyncio
from collections.abc import AsyncGenerator
from weakref import WeakSet

import msgspec
import structlog
from prometheus_client import Gauge
from quart import Response, current_app, request
from quart_schema import tag
from werkzeug.exceptions import NotFound, ServiceUnavailable

from my_app.counter_app import names, queries
from my_app.counter_app.api import (
    NOT_FOUND,
    UNAVAILABLE,
    counter_api,
)
from my_app.counter_app.names import Name
from my_app.counter_app.settings import CounterSettings
from quart_chassis.application import Application
from quart_chassis.database import (
    DatabaseUnavailable,
    begin,
    wait_seconds,
    words_of,
)
from quart_chassis.serve.room import most_streams
from quart_chassis.settings import Settings
from quart_chassis.web import document_answers

LOOK_SECONDS = 0.25
# Proxies drop connections that are silent for a minute, some sooner.
COMMENT_SECONDS = 15
# A browser's wait before it reconnects; sent once, at the start of a stream.
RECONNECT_MILLISECONDS = 1000

STOPPING = "This server is stopping."

log = structlog.stdlib.get_logger()


def install(app: Application) -> None:
    """Give `app` a lookout that polls while the app serves and has watchers.

    All streams end when the app is told to stop.
    """
    limit = min(
        app.settings(CounterSettings).WATCHER_LIMIT,
        most_streams(app.settings(Settings).DB_POOL_SIZE),
    )
    watching = app.metrics.gauge("counter_watchers", "Open event streams.")
    app.metrics.gauge(
        "counter_watchers_limit", "Most event streams: WATCHER_LIMIT, or fewer."
    ).set(limit)

    @app.while_serving
    async def look() -> AsyncGenerator[None, None]:
        lookout = Lookout(app, limit, watching)
        app.extensions["lookout"] = lookout
        app.draining.when_begun.append(lookout.close)
        task = asyncio.create_task(lookout.run())
        try:
            yield
        finally:
            lookout.close()
            task.cancel()


@counter_api.get("/<name>/events")
@tag(["counters"])
@document_answers(
    {200: "The value at once, and after each change"}, "text/event-stream"
)
@document_answers(NOT_FOUND | UNAVAILABLE)
async def events(name: Name) -> Response:
    """Stream the counter's value: at once, and after each change."""
    names.check(name)
    lookout: Lookout = current_app.extensions["lookout"]
    watcher = lookout.watch(name)
    try:
        async with asyncio.timeout(wait_seconds()):
            await watcher.changed.wait()
    except TimeoutError:
        raise DatabaseUnavailable(committed=False) from None
    if watcher.event is None and lookout.closed:
        raise ServiceUnavailable(STOPPING, retry_after=1)
    if watcher.event is None:
        raise NotFound("There is no such counter.")
    body = b"" if request.method == "HEAD" else _stream(watcher)
    response = Response(body, content_type="text/event-stream")
    response.timeout = None
    # By default nginx holds events back until its buffer is full.
    response.headers["X-Accel-Buffering"] = "no"
    return response


class Watcher:
    """One open stream: its latest event, and whether that is still to be sent."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.event: bytes | None = None
        self.ended = False
        self.changed = asyncio.Event()

    def tell(self, event: bytes | None) -> None:
        """Take the latest event; None means no counter, and ends the stream."""
        if event is None:
            self.end()
        elif event != self.event:
            self.event = event
            self.changed.set()

    def end(self) -> None:
        """End the stream."""
        self.ended = True
        self.changed.set()


class Lookout:
    """The watchers of this worker, and the poll that serves them."""

    def __init__(self, app: Application, limit: int, watching: Gauge) -> None:
        self.app = app
        self.limit = limit
        self.watching = watching
        # Weak, so that a caller that leaves before its stream starts costs nothing.
        self.watchers: WeakSet[Watcher] = WeakSet()
        self.arrival = asyncio.Event()
        self.closed = False

    def watch(self, name: str) -> Watcher:
        """A new watcher; it gets the value at the next poll. 503 beyond the limit."""
        if self.closed:
            raise ServiceUnavailable(STOPPING, retry_after=1)
        if len(self.watchers) >= self.limit:
            raise ServiceUnavailable("Too many event streams are open.", retry_after=5)
        watcher = Watcher(name)
        self.watchers.add(watcher)
        self.arrival.set()
        return watcher

    async def run(self) -> None:
        """Poll and tell the watchers, forever."""
        failing = False
        while True:
            await self.arrival.wait()
            try:
                await self._look()
                failing = False
            except Exception as error:
                if not failing:
                    log.warning("watchers get no updates", reason=words_of(error))
                failing = True
            self.watching.set(len(self.watchers))
            if not self.watchers:
                self.arrival.clear()
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        watchers = list(self.watchers)
        watched = sorted({watcher.name for watcher in watchers})
        async with self.app.app_context():
            async with begin(read_only=True) as connection:
                values = await queries.read_values(connection, watched)
            if lacked := [name for name in watched if name not in values]:
                # Deleted, or too new for a standby.
                async with begin() as connection:
                    values |= await queries.read_values(connection, lacked)
        told = {name: _event(name, value) for name, value in values.items()}
        for watcher in watchers:
            watcher.tell(told.get(watcher.name))

    def close(self) -> None:
        """End every stream and refuse new ones."""
        self.closed = True
        for watcher in list(self.watchers):
            watcher.end()


async def _stream(watcher: Watcher) -> AsyncGenerator[bytes, None]:
    yield f"retry: {RECONNECT_MILLISECONDS}\n\n".encode()
    while True:
        try:
            async with asyncio.timeout(COMMENT_SECONDS):
                await watcher.changed.wait()
        except TimeoutError:
            yield b": still here\n\n"
            continue
        watcher.changed.clear()
        if watcher.ended or watcher.event is None:
            return
        yield watcher.event


def _event(name: str, value: int) -> bytes:
    data = msgspec.json.encode({"name": name, "value": value})
    return b"event: value\ndata: " + data + b"\n\n"
