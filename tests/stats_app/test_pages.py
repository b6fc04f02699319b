"""Pages about counters."""

import re
from xml.etree import ElementTree

import asyncpg
import pytest
from quart.typing import TestClientProtocol

from my_app.application import create_app
from my_app.counter_app.settings import LARGEST_VALUE
from my_app.stats_app.queries import PAGE_SIZE
from quart_chassis.application import Application

SVG = "{http://www.w3.org/2000/svg}"
MADE = """
    INSERT INTO counters (name, value, base)
    SELECT 'c' || lpad(number::text, 3, '0'), number % 7, 0
    FROM generate_series(1, $1) AS number
"""
HISTORY = """
    INSERT INTO counters (name, value, base) VALUES ('a', 1234567, 1234017);
    INSERT INTO counter_days
    SELECT 'a', (now() AT TIME ZONE 'utc')::date - ago, number
    FROM (VALUES (0, 10), (6, 20), (7, 40), (29, 80), (30, 400)) AS of_(ago, number);
    INSERT INTO counter_robots
    SELECT 'a', (now() AT TIME ZONE 'utc')::date - ago, 3
    FROM generate_series(28, 31) AS ago
"""


async def execute(database: str, statements: str, *values: object) -> None:
    connection = await asyncpg.connect(database)
    await connection.execute(statements, *values)
    await connection.close()


async def text_of(client: TestClientProtocol, path: str, status: int = 200) -> str:
    response = await client.get(path)
    assert response.status_code == status
    assert "X-Counted" not in response.headers
    text: str = await response.get_data(as_text=True)
    return text


def listed(text: str) -> list[str]:
    return re.findall(r'href="/counters/([^"]+)"', text)


async def read_all(client: TestClientProtocol, path: str) -> list[str]:
    """The names on this page and on those that follow."""
    names = []
    while path:
        text = await text_of(client, path)
        names += listed(text)
        more = re.search(r'href="([^"]+)" rel="next"', text)
        path = more[1].replace("&amp;", "&") if more else ""
    return names


async def test_all_counters_are_listed_by_name_and_by_count(
    client: TestClientProtocol, database: str
) -> None:
    count = 2 * PAGE_SIZE
    await execute(database, MADE, count)
    names = [f"c{number:03}" for number in range(1, count + 1)]
    assert await read_all(client, "/counters") == names
    by_count = sorted(names, key=lambda name: (-(int(name[1:]) % 7), name))
    assert await read_all(client, "/counters?order=count") == by_count
    found = [name for name in by_count if "01" in name]
    assert await read_all(client, "/counters?order=count&search=C01") != []
    assert await read_all(client, "/counters?order=count&search=01") == found


async def test_one_page_holds_so_many(
    client: TestClientProtocol, database: str
) -> None:
    await execute(database, MADE, PAGE_SIZE)
    text = await text_of(client, "/counters")
    assert len(listed(text)) == PAGE_SIZE
    assert 'rel="next"' not in text


@pytest.mark.parametrize(
    "search", ["%25", "_", "%00x", "<b>", "%C3%A4", "x" * 65, "\\"]
)
async def test_a_search_is_taken_as_it_is_written(
    client: TestClientProtocol, database: str, search: str
) -> None:
    await execute(database, MADE, 3)
    refused = search in {"%00x", "x" * 65}
    text = await text_of(client, f"/counters?search={search}", 422 if refused else 200)
    assert listed(text) == []
    assert "<b>" not in text


@pytest.mark.parametrize(
    "query", ["order=size", "after=%C3%84", "below=-1", "below=x", f"below={2**63}"]
)
async def test_a_wrong_query_is_refused_by_name(
    client: TestClientProtocol, query: str
) -> None:
    text = await text_of(client, f"/counters?{query}", 422)
    assert query.partition("=")[0] in text


async def test_without_counters_the_page_says_so(client: TestClientProtocol) -> None:
    assert "There are no counters yet" in await text_of(client, "/counters")


async def test_a_page_of_a_counter_says_what_it_counted_lately(
    client: TestClientProtocol, database: str
) -> None:
    await execute(database, HISTORY)
    text = await text_of(client, "/counters/a")
    assert "Counter: 1234567" in text
    assert "1,234,567" in text
    assert "<dt>Robots</dt><dd>6 in the last 30 days" in text
    assert re.search(r"by a list of 20\d\d-\d\d-\d\d<", text)
    sums = re.findall(r"<dt>(?:Today|Last \d+ days)</dt><dd>([\d,]+)</dd>", text)
    assert sums == ["10", "30", "150"]
    assert "150 in all, most on" in text
    days = re.findall(r'<th scope="row">[\d-]+</th><td class="amount">(\d+)</td>', text)
    assert len(days) == 30
    assert days[:7] == ["10", "0", "0", "0", "0", "0", "20"]


async def test_what_there_is_to_paste_is_whole(
    client: TestClientProtocol, database: str, app: Application
) -> None:
    await execute(database, HISTORY)
    text = await text_of(client, "/counters/a")
    for address in (
        *("http://localhost/counters/a", "http://localhost/counters/a/days.svg"),
        *(
            "http://localhost/api/counters/a",
            "http://localhost/api/counters/a/increment",
        ),
    ):
        assert address in text
    # A badge only where there are badges.
    has_badges = any("/badges/" in rule.rule for rule in app.url_map.iter_rules())
    assert ("http://localhost/badges/a.svg" in text) == has_badges


@pytest.mark.parametrize("name", ["none", "A", "_", "a%2Fb", "x" * 65, "%00"])
async def test_an_unknown_counter_has_no_page(
    client: TestClientProtocol, name: str
) -> None:
    await text_of(client, f"/counters/{name}", 404)
    await text_of(client, f"/counters/{name}/days.svg", 404)


async def test_the_chart_is_a_picture_that_says_what_it_shows(
    client: TestClientProtocol, database: str
) -> None:
    await execute(database, HISTORY)
    response = await client.get("/counters/a/days.svg")
    assert response.content_type == "image/svg+xml; charset=utf-8"
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response.headers["Cache-Control"] == "public, max-age=60"
    picture = ElementTree.fromstring(await response.get_data(as_text=True))
    assert picture.attrib["role"] == "img"
    title, summary = picture.find(f"{SVG}title"), picture.find(f"{SVG}desc")
    assert title is not None
    assert summary is not None
    assert f"{title.text}".startswith("a: visits on each day from ")
    assert f"{summary.text}".startswith("150 in all, most on ")
    bars = [f"{bar.findtext(f'{SVG}title')}" for bar in picture.iter(f"{SVG}rect")]
    assert [bar.partition(": ")[2] for bar in bars] == ["80", "40", "20", "10"]


@pytest.mark.parametrize(
    ("asked", "days"),
    [
        *(("days=7", 7), ("days=31", 31), ("days=400", 60), ("days=999999999", 60)),
        *(("days=0", 7), ("days=-9", 30), ("days=x", 30), ("days=9999999999", 30)),
        *(("days=%D9%A3", 30), ("", 30)),
    ],
)
async def test_the_chart_has_as_many_days_as_there_may_be(
    database: str, asked: str, days: int
) -> None:
    await execute(
        database,
        """
        INSERT INTO counters (name, value, base) VALUES ('a', 500, 0);
        INSERT INTO counter_days SELECT 'a', (now() AT TIME ZONE 'utc')::date - ago, 1
        FROM generate_series(0, 499) AS ago
        """,
    )
    app = create_app(DATABASE_URL=database, HISTORY_DAYS=60)
    async with app.test_app() as serving:
        response = await serving.test_client().get(f"/counters/a/days.svg?{asked}")
        text = await response.get_data(as_text=True)
    assert text.count("<rect") == days


async def test_the_largest_number_is_drawn(
    client: TestClientProtocol, database: str
) -> None:
    await execute(
        database,
        f"""
        INSERT INTO counters (name, value, base) VALUES ('a', {LARGEST_VALUE}, 0);
        INSERT INTO counter_days
        VALUES ('a', (now() AT TIME ZONE 'utc')::date, {LARGEST_VALUE})
        """,
    )
    text = await text_of(client, "/counters/a")
    assert f"<dt>Today</dt><dd>{LARGEST_VALUE:,}</dd>" in text
    chart = await text_of(client, "/counters/a/days.svg")
    assert f"{LARGEST_VALUE:,}" in chart
    assert "10,000,000,000,000,000,000" in chart
