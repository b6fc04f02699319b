"""What a JSON body may hold, whatever model it is read as."""

import json
from typing import Any

import msgspec
import pytest
from quart import Response
from quart.typing import TestClientProtocol

from quart_chassis.application import Application
from quart_chassis.web import answer, read_body

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
