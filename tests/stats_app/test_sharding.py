"""What pages of counters, exports and imports send is what shards allow."""

from pathlib import Path

from quart.typing import TestClientProtocol

from my_app import stats_app
from quart_chassis.testing.routes import TOKEN
from quart_chassis.testing.statements import not_sent, recording
from tests.counter_app.sharding import problems

FOLDER = Path(stats_app.__file__).parent
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
PAGES = ("/counters?search=a", "/counters?order=count&below=9&after=a", "/counters/a")


async def test_every_statement_has_a_shape_that_shards_allow(
    client: TestClientProtocol,
) -> None:
    await client.post("/api/counters/a/increment")
    with recording(FOLDER) as sent:
        for page in PAGES:
            assert (await client.get(page)).status_code == 200
        exported = await client.get("/api/export", headers=ADMIN)
        imported = await client.post(
            "/api/import",
            data=await exported.get_data(as_text=False),
            headers={**ADMIN, "Content-Type": "application/x-ndjson"},
        )
        assert imported.status_code == 200
    assert not_sent(FOLDER, sent) == []
    assert problems(sent) == []
