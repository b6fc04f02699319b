import re

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
