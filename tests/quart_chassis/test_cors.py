import pytest
from small_app.application import create_app

SITE = "https://site.example"
PREFLIGHT = {
    "Origin": SITE,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "Content-Type",
}


async def test_scripts_of_listed_sites_may_call_the_api(database: str) -> None:
    app = create_app(DATABASE_URL=database, CORS_ORIGINS=f"{SITE},https://b.example")
    async with app.test_app() as serving:
        client = serving.test_client()
        asked = await client.options("/api/notes", headers=PREFLIGHT)
        assert asked.status_code == 200
        assert asked.headers["Access-Control-Allow-Origin"] == SITE
        assert "POST" in asked.headers["Access-Control-Allow-Methods"]
        assert "Content-Type" in asked.headers["Access-Control-Allow-Headers"]
        answered = await client.post(
            "/api/notes", json={"text": "a"}, headers={"Origin": SITE}
        )
        assert answered.status_code == 200
        assert answered.headers["Access-Control-Allow-Origin"] == SITE
        assert "Origin" in answered.headers["Vary"]
        stranger = await client.get("/api/notes", headers={"Origin": "https://x.y"})
        assert "Access-Control-Allow-Origin" not in stranger.headers
        assert "Origin" in stranger.headers["Vary"]
        page = await client.get("/", headers={"Origin": SITE})
        assert "Access-Control-Allow-Origin" not in page.headers


@pytest.mark.parametrize(("origins", "answer"), [("*", SITE), ("", None)])
async def test_all_sites_or_none(
    database: str, origins: str, answer: str | None
) -> None:
    app = create_app(DATABASE_URL=database, CORS_ORIGINS=origins)
    async with app.test_app() as serving:
        response = await serving.test_client().get(
            "/api/notes", headers={"Origin": SITE}
        )
    assert response.headers.get("Access-Control-Allow-Origin") == answer
