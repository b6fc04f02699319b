"""What a JSON body may hold, whatever model it is read as."""

import json
from typing import Any

import msgspec
import pytest
from quart import Response, request
from quart.testing.connections import TestHTTPConnection
from quart.typing import TestClientProtocol
from werkzeug.datastructures import Headers

from quart_chassis.application import Application
from quart_chassis.testing.waiting import HANG_SECONDS
from quart_chassis.web import accepts_body, answer, read_body

JSON = {"Content-Type": "application/json"}


class Anything(msgspec.Struct):
    value: Any


@pytest.fixture
async def echo(app: Application) -> Any:
    @app.post("/api/echo")
    async def say() -> Response:
        return answer(await read_body(Anything))

    async with app.test_app() as serving:
        yield serving.test_client()


@pytest.mark.parametrize(
    "value",
    ["9223372036854775807", "-9223372036854775808", "0.1", '"ä€😀"', "[1, null]"],
)
async def test_a_value_comes_back_as_it_was(
    echo: TestClientProtocol, value: str
) -> None:
    body = f'{{"value": {value}}}'
    response = await echo.post("/api/echo", data=body, headers=JSON)
    assert response.status_code == 200
    text = await response.get_data(as_text=True)
    assert json.loads(text) == json.loads(body)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("1" * 5000, 400),
        ("1e400", 400),
        ("NaN", 400),
        # Seen to be stored, and then to break every page that showed it.
        (r'"\ud800"', 422),
        (r'{"\udfff": 1}', 422),
    ],
)
async def test_a_value_that_could_not_be_sent_back_is_refused(
    echo: TestClientProtocol, value: str, status: int
) -> None:
    body = f'{{"value": {value}}}'
    response = await echo.post("/api/echo", data=body, headers=JSON)
    assert response.status_code == status


async def test_a_view_may_wait_longer_for_its_body(app: Application) -> None:
    """Another view gives up what was begun after it."""

    @app.post("/files")
    @accepts_body(100_000, seconds=HANG_SECONDS)
    async def keep() -> str:
        return str(len(await request.get_data(False, False, False)))

    app.config["BODY_TIMEOUT"] = 0.05
    async with app.test_app() as serving:
        client = serving.test_client()
        async with (
            begun(client, "/files") as patient,
            begun(client, "/shelves") as other,
        ):
            await patient.send(b"a" * 10)
            await other.receive()
            assert other.status_code == 408
            await patient.send(b"b" * 10)
            await patient.send_complete()
            assert await patient.receive() == b"20"
            await other.disconnect()
            await patient.disconnect()


def begun(client: TestClientProtocol, path: str) -> TestHTTPConnection:
    """A request whose body of 20 bytes has not come."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection = client.request(
        path, method="POST", headers=Headers(headers | {"Content-Length": "20"})
    )
    assert isinstance(connection, TestHTTPConnection)
    return connection
