"""The fast lane answers as the views do, whatever is asked."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from my_app.application import create_app
from quart_chassis.settings import Settings
from quart_chassis.testing.waiting import until
from tests.counter_app.lanes import *
from tests.counter_app.lanes import (
    ANYTHING,
    METHODS,
    NAMES,
    Answer,
    Both,
    answered_at_the_door,
    ask,
    compare_unusual,
    compare_whatever,
    scope_of,
)

PATHS = st.one_of(
    st.sampled_from(["/", "//", "/livez", "/api/counters", "/static/app.css", "/x"]),
    st.builds("/api/counters/{}/increment".format, st.sampled_from(NAMES)),
    st.builds("/api/counters/{}/increment/".format, st.sampled_from(NAMES)),
    st.builds("/api/counters/{}".format, st.sampled_from(NAMES)),
)
OF_LANES = [
    *(("GET", "/"), ("GET", "/api/counters/a")),
    *(("POST", "/api/counters/a/increment"), ("POST", "/api/counters/home/increment")),
]


@hypothesis_settings(deadline=None, max_examples=200, database=None)
@given(
    asked=st.one_of(
        st.sampled_from(OF_LANES), st.tuples(st.sampled_from(METHODS), PATHS)
    ),
    drawn=st.fixed_dictionaries(ANYTHING),
)
def test_whatever_is_asked_is_answered_as_without_it(
    runner: asyncio.Runner, both: Both, asked: tuple[str, str], drawn: dict[str, Any]
) -> None:
    compare_whatever(runner, both, asked, drawn)


@pytest.mark.parametrize(("method", "path"), OF_LANES)
def test_one_unusual_thing_is_answered_as_without_it(
    runner: asyncio.Runner, both: Both, method: str, path: str
) -> None:
    compare_unusual(runner, both, method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("POST", "/api/counters/a/increment"), ("GET", "/api/counters/a")],
)
def test_what_is_usual_does_not_come_to_quart(
    runner: asyncio.Runner, both: Both, method: str, path: str
) -> None:
    app: Any = both.with_lanes
    if path.startswith("/api/") and app.settings(Settings).CORS_ORIGINS:
        pytest.skip("its answers have more headers then")
    assert answered_at_the_door(runner, both, method, path) == 200


def test_what_a_hook_could_change_is_left_to_quart(
    runner: asyncio.Runner, module_database: str
) -> None:
    app = create_app(DATABASE_URL=module_database)

    @app.after_request
    async def say(response: Any) -> Any:
        response.headers["X-Said"] = "yes"
        return response

    async def ask_thrice() -> Answer:
        async with app.test_app():
            for _ in range(2):
                await ask(app, scope_of("GET", "/", []))
            return await ask(app, scope_of("GET", "/", []))

    _, headers, _ = runner.run(ask_thrice())
    assert (b"x-said", b"yes") in headers


def test_who_leaves_the_lane_before_a_commit_is_not_counted(
    runner: asyncio.Runner, both: Both
) -> None:
    """The first one's batch waits for a row, and the second one in the queue."""
    if both.with_lanes.settings(Settings).CORS_ORIGINS:
        pytest.skip("the API's answers have more headers then")
    app: Any = both.with_lanes
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def leave() -> int:
        left = asyncio.Event()

        async def receive() -> Any:
            await left.wait()
            return {"type": "http.disconnect"}

        other = await both.reset(5)
        transaction = other.transaction()
        await transaction.start()
        await other.execute("SELECT FROM counters FOR UPDATE")
        path = "/api/counters/a/increment"
        first = asyncio.create_task(ask(app, scope_of("POST", path, [])))
        writer = app.extensions["writer"]
        await asyncio.to_thread(until, lambda: writer.batch)
        second = asyncio.create_task(app(scope_of("POST", path, []), receive, send))
        await asyncio.to_thread(until, lambda: writer.queue)
        left.set()
        await second
        await transaction.commit()
        await other.close()
        status, _, body = await first
        assert (status, json.loads(body)["value"]) == (200, 6)
        after = await asyncpg.connect(both.database)
        found: int = await after.fetchval("SELECT value FROM counters WHERE name = 'a'")
        await after.close()
        return found

    assert runner.run(leave()) == 6
    assert sent == []
