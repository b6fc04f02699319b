"""Requests that change something are refused if a page of another origin sent them."""

import pytest
from quart.typing import TestClientProtocol
from small_app.application import create_app
from werkzeug.datastructures import Headers

from quart_chassis.application import Application
from quart_chassis.testing.routes import ask

SITE = "https://site.example"
# The test client asks for http://localhost.
OURS = [
    {},
    {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "none"},
    # Where the two differ, the browser's own word counts.
    {"Sec-Fetch-Site": "same-origin", "Origin": SITE},
    {"Origin": "http://localhost"},
    {"Origin": "http://LOCALHOST:80"},
    {"Origin": "http://localhost", "Host": "localhost:80"},
    {"Origin": "http://[::1]:5001", "Host": "[::1]:5001"},
    # A proxy that is not trusted may have ended TLS.
    {"Origin": "https://localhost"},
    {"Origin": "https://localhost", "Host": "localhost:443"},
]
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": "http://www.localhost"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "SAME-ORIGIN"},
    {"Origin": SITE},
    {"Origin": "null"},
    {"Origin": "http://localhost:5001"},
    {"Origin": "http://localhost", "Host": "localhost:5001"},
    {"Origin": "http://www.localhost"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "http://localhost@evil.example"},
    {"Origin": "chrome-extension://localhost"},
    {"Origin": "http://localhost:x"},
    {"Origin": "http://localhost:99999"},
    {"Origin": "http://[localhost"},
    {"Origin": "http://localh\u00f6st"},
    {"Origin": "localhost"},
]


@pytest.fixture
def fresh_app(app: Application) -> Application:
    """With views that nobody has thought of guarding."""

    @app.route("/fresh", methods=["GET", "POST", "DELETE", "PROPFIND"])
    @app.route("/api/fresh", methods=["GET", "POST"])
    async def fresh() -> str:
        return "done"

    return app


async def test_a_page_of_ours_may_change_something(fresh_app: Application) -> None:
    async with fresh_app.test_app() as serving:
        client = serving.test_client()
        for headers in OURS:
            answered = await client.post("/fresh", headers=headers)
            assert answered.status_code == 200, headers


async def test_a_page_of_another_origin_may_only_look(fresh_app: Application) -> None:
    async with fresh_app.test_app() as serving:
        client = serving.test_client()
        for headers in FOREIGN:
            for method in ("POST", "DELETE", "PROPFIND"):
                answered = await ask(client, "/fresh", method, b"", **headers)
                assert answered.status_code == 403, (method, headers)
            assert (await client.get("/fresh", headers=headers)).status_code == 200
            assert (await client.options("/fresh", headers=headers)).status_code == 200


async def test_a_page_over_http_may_change_nothing_over_https(
    fresh_app: Application,
) -> None:
    from_proxy = {
        "scope_base": {"client": ("127.0.0.1", 1234)},
        "headers": {"Origin": "http://localhost", "X-Forwarded-Proto": "https"},
    }
    async with fresh_app.test_app() as serving:
        answered = await serving.test_client().post("/fresh", **from_proxy)
    assert answered.status_code == 403


@pytest.mark.parametrize(
    "pairs",
    [
        [("Origin", "http://localhost"), ("Origin", SITE)],
        [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "cross-site")],
    ],
)
async def test_of_two_words_the_good_one_does_not_win(
    fresh_app: Application, pairs: list[tuple[str, str]]
) -> None:
    async with fresh_app.test_app() as serving:
        client = serving.test_client()
        for given in (pairs, pairs[::-1]):
            answered = await client.post("/fresh", headers=Headers(given))
            assert answered.status_code == 403


async def test_a_refusal_is_in_the_words_of_the_application(
    client: TestClientProtocol,
) -> None:
    page = await client.post("/", headers={"Origin": SITE})
    assert (page.status_code, page.mimetype) == (403, "text/html")
    assert "another site" in await page.get_data(as_text=True)
    answered = await client.post("/api/notes", headers={"Origin": SITE})
    assert answered.status_code == 403
    assert answered.mimetype == "application/problem+json"
    # No route ran, so there is none to count.
    metrics = await (await client.get("/metrics")).get_data(as_text=True)
    told = 'http_requests_total{method="POST",route="none",status="403"} 2.0'
    assert told in metrics


@pytest.mark.parametrize(
    ("origins", "origin", "path", "status"),
    [
        (SITE, SITE, "/api/fresh", 200),
        ("*", SITE, "/api/fresh", 200),
        (SITE, "https://other.example", "/api/fresh", 403),
        (SITE, SITE, "/fresh", 403),
        ("*", SITE, "/fresh", 403),
        (SITE, SITE, "/below/api/fresh", 403),
    ],
)
async def test_cors_origins_may_call_the_api_alone(
    database: str, origins: str, origin: str, path: str, status: int
) -> None:
    app = create_app(DATABASE_URL=database, CORS_ORIGINS=origins)

    @app.post("/fresh")
    @app.post("/api/fresh")
    async def fresh() -> str:
        return "done"

    headers = {"Sec-Fetch-Site": "cross-site", "Origin": origin}
    async with app.test_app() as serving:
        answered = await serving.test_client().post(path, headers=headers)
    assert answered.status_code == status
