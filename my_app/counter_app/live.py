"""Numbers that change while somebody looks: one question for all who watch.

However many watch, a worker asks the database at most four times a second, and not at
all when nobody does. A watcher holds the latest value only, so a slow reader costs
no more than a quick one; one that stops reading is dropped by the kernel (`server.py`).
"""

import asyncio
from collections.abc import AsyncGenerator
from weakref import WeakSet

import msgspec
import structlog
from prometheus_client import Gauge
from quart import Blueprint, Quart, Response, current_app, request
from quart_schema import tag
from sqlalchemy.ext.asyncio import AsyncEngine
from werkzeug.exceptions import NotFound, ServiceUnavailable

from my_app import db
from my_app.counter_app import names, queries
from my_app.metrics import Metrics
from my_app.settings import Settings

LOOK_SECONDS = 0.25
# Proxies drop connections on which nothing comes for a minute, some sooner.
COMMENT_SECONDS = 15
# When a browser connects again after a stream ended; sent once, at its beginning.
RECONNECT_MILLISECONDS = 1000

STOPPING = "This server is stopping."

log = structlog.stdlib.get_logger()

counter_live = Blueprint("counter_live", __name__, url_prefix="/api/counters")


def install(app: Quart, settings: Settings) -> None:
    """Give `app` a lookout, which looks as long as the app serves and anybody watches.

    All streams end when the app is told to stop.
    """
    metrics: Metrics = app.extensions["metrics"]
    watching = metrics.gauge("counter_watchers", "Event streams that are open.")
    metrics.gauge("counter_watchers_limit", "Streams that may be: WATCHER_LIMIT.").set(
        settings.WATCHER_LIMIT
    )

    @app.while_serving
    async def look() -> AsyncGenerator[None, None]:
        lookout = Lookout(app.extensions["engine"], settings.WATCHER_LIMIT, watching)
        app.extensions["lookout"] = lookout
        app.extensions["when_draining"].append(lookout.close)
        task = asyncio.create_task(lookout.run())
        try:
            yield
        finally:
            lookout.close()
            task.cancel()


@counter_live.get("/<name>/events")
@tag(["counters"])
async def events(name: str) -> Response:
    """A stream of the counter's values: one at once, and one after each change."""
    names.check(name)
    lookout: Lookout = current_app.extensions["lookout"]
    watcher = lookout.watch(name)
    try:
        async with asyncio.timeout(db.wait_seconds()):
            await watcher.changed.wait()
    except TimeoutError:
        raise db.DatabaseUnavailable(committed=False) from None
    if watcher.event is None and lookout.closed:
        raise ServiceUnavailable(STOPPING, retry_after=1)
    if watcher.event is None:
        raise NotFound("There is no such counter.")
    body = b"" if request.method == "HEAD" else _stream(watcher)
    response = Response(body, content_type="text/event-stream")
    response.timeout = None
    # nginx would wait for a buffer's worth of events.
    response.headers["X-Accel-Buffering"] = "no"
    return response


class Watcher:
    """One open stream: the latest event, and whether it was sent already."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.event: bytes | None = None
        self.ended = False
        self.changed = asyncio.Event()

    def tell(self, event: bytes | None) -> None:
        """The counter's value now; None if there is no counter, which ends it."""
        if event is None:
            self.end()
        elif event != self.event:
            self.event = event
            self.changed.set()

    def end(self) -> None:
        """Have the stream end."""
        self.ended = True
        self.changed.set()


class Lookout:
    """Who watches what in this worker."""

    def __init__(self, engine: AsyncEngine, limit: int, watching: Gauge) -> None:
        self.engine = engine
        self.limit = limit
        self.watching = watching
        # Weak, so that a stream whose caller left before it began is not kept.
        self.watchers: WeakSet[Watcher] = WeakSet()
        self.arrival = asyncio.Event()
        self.closed = False

    def watch(self, name: str) -> Watcher:
        """A watcher, who is told the value with the next look; 503 beyond the limit."""
        if self.closed:
            raise ServiceUnavailable(STOPPING, retry_after=1)
        if len(self.watchers) >= self.limit:
            raise ServiceUnavailable("Too many watch already.", retry_after=5)
        watcher = Watcher(name)
        self.watchers.add(watcher)
        self.arrival.set()
        return watcher

    async def run(self) -> None:
        """Look and tell, for ever."""
        failing = False
        while True:
            await self.arrival.wait()
            try:
                await self._look()
                failing = False
            except Exception as error:
                if not failing:
                    log.warning("watchers are told nothing", reason=db.words_of(error))
                failing = True
            self.watching.set(len(self.watchers))
            if not self.watchers:
                self.arrival.clear()
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        watchers = list(self.watchers)
        watched = sorted({watcher.name for watcher in watchers})
        async with self.engine.begin() as connection:
            values = await queries.read_values(connection, watched)
        told = {name: _event(name, value) for name, value in values.items()}
        for watcher in watchers:
            watcher.tell(told.get(watcher.name))

    def close(self) -> None:
        """End every stream, and let no new one begin."""
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
