import re

import pytest
from quart import Quart
from quart.typing import TestClientProtocol

from quart_chassis.web import assets
from quart_chassis.web.assets import FOREVER

ADDRESS = re.compile(r'(?:href|src)="(/static/[^"]+)"')


async def test_assets_have_names_of_their_content_and_are_kept_for_ever(
    client: TestClientProtocol,
) -> None:
    page = await (await client.get("/")).get_data(as_text=True)
    addresses = ADDRESS.findall(page)
    assert len(addresses) == 2
    for address in addresses:
        assert re.search(r"\.[0-9a-f]{16}\.", address)
        response = await client.get(address)
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == FOREVER
        assert "Expires" not in response.headers


async def test_a_name_of_yesterday_gets_todays_file_but_not_for_ever(
    client: TestClientProtocol,
) -> None:
    response = await client.get(f"/static/app.{'0' * 16}.css")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-cache"


async def test_what_is_not_there_is_not_found(client: TestClientProtocol) -> None:
    digest = "0" * 16
    for name in (
        "nothing.css",
        f"nothing.{digest}.css",
        f"../application.{digest}.py",
        "../schema.py",
        "../../settings.toml",
        "%2e%2e",
        "x" * 300 + ".css",
        f"{'x' * 300}.{digest}.css",
    ):
        response = await client.get(f"/static/{name}")
        assert response.status_code == 404
        assert response.headers["Cache-Control"] == "no-store"


async def test_only_static_folders_are_meant(app: Quart) -> None:
    @app.get("/dl/<filename>")
    async def download(filename: str) -> str:
        return filename

    async with app.test_app() as serving:
        name = f"report.{'0' * 16}.pdf"
        response = await serving.test_client().get(f"/dl/{name}")
        assert await response.get_data(as_text=True) == name


async def test_long_names_are_not_kept_in_memory(client: TestClientProtocol) -> None:
    """Seen to fail with a cache of whatever anybody asks for."""
    await client.get("/static/nothing.css")
    before = assets._place.cache_info().currsize
    for length in (256, 10_000):
        response = await client.get(f"/static/{'x' * length}.css")
        assert response.status_code == 404
    assert assets._place.cache_info().currsize == before


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-4", 206, slice(0, 5)),
        ("bytes=5-", 206, slice(5, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=-999999999", 206, slice(None)),
        ("bytes=3-999999999", 206, slice(3, None)),
        # The unit is unknown, the range is none, or there are several.
        ("lines=1-2", 200, slice(None)),
        ("bytes=5-2", 200, slice(None)),
        ("bytes=abc", 200, slice(None)),
        ("bytes=-", 200, slice(None)),
        ("bytes=", 200, slice(None)),
        ("bytes", 200, slice(None)),
        ("bytes=0-1,3-4", 200, slice(None)),
        ("bytes=²-", 200, slice(None)),
    ],
)
async def test_a_part_of_a_file_is_sent_to_who_asks_for_one(
    client: TestClientProtocol, asked: str, status: int, part: slice
) -> None:
    page = await (await client.get("/")).get_data(as_text=True)
    address = ADDRESS.findall(page)[0]
    whole = await (await client.get(address)).get_data(as_text=False)
    response = await client.get(address, headers={"Range": asked})
    assert response.status_code == status
    assert await response.get_data(as_text=False) == whole[part]


@pytest.mark.parametrize(
    ("method", "name", "value", "status"),
    [
        ("GET", "If-Range", "{tag}", 206),
        ("GET", "If-Range", "W/{tag}", 200),
        ("GET", "If-Range", '"another"', 200),
        ("GET", "If-Range", "Fri, 01 Jan 2100 00:00:00 GMT", 200),
        ("GET", "If-None-Match", "{tag}", 304),
        ("GET", "If-None-Match", '"another"', 200),
        ("HEAD", "Accept", "*/*", 200),
    ],
)
async def test_a_part_is_sent_only_where_it_fits_what_the_caller_has(
    client: TestClientProtocol, method: str, name: str, value: str, status: int
) -> None:
    page = await (await client.get("/")).get_data(as_text=True)
    address = ADDRESS.findall(page)[0]
    tag = (await client.get(address)).headers["ETag"]
    headers = {"Range": "bytes=0-4", name: value.format(tag=tag)}
    ask = client.head if method == "HEAD" else client.get
    response = await ask(address, headers=headers)
    assert response.status_code == status


async def test_a_part_behind_the_end_cannot_be_sent(client: TestClientProtocol) -> None:
    page = await (await client.get("/")).get_data(as_text=True)
    address = ADDRESS.findall(page)[0]
    response = await client.get(address, headers={"Range": "bytes=999999999-"})
    assert response.status_code == 416
