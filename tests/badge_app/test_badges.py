"""Badges as other sites show them."""

from typing import Any
from xml.etree import ElementTree

import asyncpg
import pytest
from quart.typing import TestClientProtocol

from my_app.application import create_app
from my_app.badge_app import colors, looks
from my_app.counter_app.settings import LARGEST_VALUE
from tests.counter_app.clock import set_clock

SVG = "{http://www.w3.org/2000/svg}"
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
HISTORY = """
    INSERT INTO counters (name, value, base) VALUES ('a', 1234567, 1234017);
    INSERT INTO counter_days
    SELECT 'a', (now() AT TIME ZONE 'utc')::date - ago, number
    FROM (VALUES (0, 10), (6, 20), (7, 40), (29, 80), (30, 400)) AS of_(ago, number)
"""


async def picture_of(
    client: TestClientProtocol, path: str, **asked: str
) -> ElementTree.Element:
    response = await client.get(path, query_string=asked or None)
    assert response.status_code == 200
    return ElementTree.fromstring(await response.get_data(as_text=True))


async def label_of(client: TestClientProtocol, path: str, **asked: str) -> str:
    return (await picture_of(client, path, **asked)).attrib["aria-label"]


def texts_of(picture: ElementTree.Element) -> list[str | None]:
    return [each.text for each in picture.iter(f"{SVG}text")]


async def test_a_badge_is_a_picture_that_names_its_value(
    client: TestClientProtocol,
) -> None:
    response = await client.get("/badges/A.b_C-1.svg")
    assert response.headers["Cache-Control"] == (
        "max-age=0, no-cache, no-store, must-revalidate"
    )
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response.headers["X-Counted"] == "1"
    assert response.content_type == "image/svg+xml; charset=utf-8"
    picture = ElementTree.fromstring(await response.get_data(as_text=True))
    assert picture.attrib["aria-label"] == "a.b_c-1: 1"
    assert picture.attrib["role"] == "img"
    assert texts_of(picture) == ["a.b_c-1", "1"]
    seen = await client.head("/badges/a.b_c-1.svg")
    assert seen.headers["X-Counted"] == "0"
    assert seen.headers["X-Counted-Reason"] == "head"
    assert (await client.get("/badges/_.svg")).status_code == 404


async def test_each_showing_counts(client: TestClientProtocol) -> None:
    shown = [await label_of(client, "/badges/a.svg") for _ in range(12)]
    assert shown == [f"a: {number}" for number in range(1, 13)]


async def test_a_robot_sees_it_and_is_not_counted(client: TestClientProtocol) -> None:
    await client.get("/badges/a.svg")
    response = await client.get("/badges/a.svg", headers={"User-Agent": GOOGLEBOT})
    assert response.headers["X-Counted-Reason"] == "robot"
    assert await label_of(client, "/badges/a.svg") == "a: 2"


async def test_only_listed_counters_are_counted(database: str) -> None:
    app = create_app(DATABASE_URL=database, COUNTER_NAMES=["a"])
    async with app.test_app() as serving:
        client = serving.test_client()
        assert (await client.get("/badges/a.svg")).status_code == 200
        assert (await client.get("/badges/b.svg")).status_code == 404
        assert await label_of(client, "/badges/b.svg", count="false") == "b: 0"


async def test_a_bound_is_told(database: str) -> None:
    app = create_app(DATABASE_URL=database, NEW_COUNTERS_PER_MINUTE=0)
    async with app.test_app() as serving:
        response = await serving.test_client().get("/badges/a.svg")
    assert response.status_code == 429
    assert "Retry-After" in response.headers
    assert response.headers["X-Counted"] == "0"


@pytest.mark.parametrize("asked", [{}, {"period": "7d"}, {"count": "false"}])
async def test_without_a_database_nothing_is_counted(asked: dict[str, str]) -> None:
    nowhere = "postgresql://u:s3cret@127.0.0.1:1/app"
    app = create_app(DATABASE_URL=nowhere, WAIT_SECONDS=1)
    async with app.test_app() as serving:
        response = await serving.test_client().get(
            "/badges/a.svg", query_string=asked or None
        )
    assert response.status_code == 503
    assert response.headers["X-Counted"] == "0"


@pytest.mark.parametrize(
    ("asked", "texts"),
    [
        ({"label": "visits"}, ["visits", "1"]),
        ({"label": ""}, ["1"]),
        ({"label": "<b>\"'&"}, ["<b>\"'&", "1"]),
        ({"label": "a\x00\x1b\ufffeb\u202ec"}, ["abc", "1"]),
        ({"label": "x" * 10_000}, ["x" * 63 + "…", "1"]),
        ({"label": "ביקורים"}, ["ביקורים", "1"]),
        ({"label": "Besuche für 👩‍👩‍👧"}, ["Besuche für 👩‍👩‍👧", "1"]),
        ({"style": "for-the-badge", "label": "visits"}, ["VISITS", "1"]),
        ({"style": "flat-square"}, ["a", "1"]),
        ({"style": "plastic"}, ["a", "1"]),
        ({"nothing": "known"}, ["a", "1"]),
        ({"period": "for ever", "format": "roman", "count": "no"}, ["a", "1"]),
    ],
)
async def test_its_address_says_how_it_looks(
    client: TestClientProtocol, asked: dict[str, str], texts: list[str]
) -> None:
    assert texts_of(await picture_of(client, "/badges/a.svg", **asked)) == texts


@pytest.mark.parametrize(
    ("color", "drawn"),
    [
        ("red", "#e05d44"),
        ("ABC", "#abc"),
        ("#00ff7F", "#00ff7f"),
        ('"/><script>', looks.COLOR),
        ("url(#x)", looks.COLOR),
        ("1234", looks.COLOR),
        ("", looks.COLOR),
    ],
)
async def test_it_has_the_colours_that_are_some(
    client: TestClientProtocol, color: str, drawn: str
) -> None:
    for asked, place in (("color", 1), ("labelColor", 0)):
        picture = await picture_of(client, "/badges/a.svg", **{asked: color})
        halves = [each for each in picture.iter(f"{SVG}rect") if "x" in each.attrib]
        usual = (looks.LABEL_COLOR, looks.COLOR)[place]
        expected = usual if drawn == looks.COLOR else drawn
        assert halves[place].attrib["fill"] == expected


def test_text_can_be_read_on_every_colour() -> None:
    chosen = [
        *colors.NAMES.values(),
        *(f"#{3 * (2 * digit)}" for digit in "0123456789"),
    ]
    for color in (*chosen, "#767676", "#777777", "#ff0000", looks.COLOR):
        assert colors.contrast(color, colors.ink_on(color)) > 4.5
    assert colors.ink_on("#ff0") == colors.DARK
    assert colors.ink_on("#00f") == colors.LIGHT


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1_000, "1k"),
        (1_234, "1.2k"),
        (9_949, "9.9k"),
        (9_950, "10k"),
        (12_345, "12k"),
        (999_499, "999k"),
        (999_950, "1M"),
        (1_500_000_000, "1.5G"),
        (LARGEST_VALUE, "9.2E"),
    ],
)
def test_a_short_number(value: int, text: str) -> None:
    assert looks.short(value) == text


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ({}, "a: 1234567"),
        ({"format": "raw"}, "a: 1234567"),
        ({"format": "1,234"}, "a: 1,234,567"),
        ({"format": "1.2k"}, "a: 1.2M"),
        ({"period": "today"}, "a: 10 today"),
        ({"period": "7d"}, "a: 30 in 7 days"),
        ({"period": "30d"}, "a: 150 in 30 days"),
        ({"period": "all", "label": "seen"}, "seen: 1234567"),
    ],
)
async def test_a_badge_shows_the_days_and_digits_that_are_asked_for(
    client: TestClientProtocol, database: str, asked: dict[str, str], text: str
) -> None:
    await set_clock(database)
    connection = await asyncpg.connect(database)
    await connection.execute(HISTORY)
    await connection.close()
    path = "/badges/a.svg"
    assert await label_of(client, path, count="false", **asked) == text
    response = await client.get(path, query_string={"count": "FALSE", **asked})
    assert response.headers["X-Counted"] == "0"
    assert "X-Counted-Reason" not in response.headers
    # Its own visit is among those of the last days.
    counted = await label_of(client, path, **asked)
    assert counted == (
        text.replace("4567", "4568").replace("4,567", "4,568").replace("0 ", "1 ", 1)
    )


async def test_it_serves_as_an_endpoint_of_shields(
    client: TestClientProtocol, database: str
) -> None:
    """https://shields.io/badges/endpoint-badge"""
    await set_clock(database)
    await client.get("/badges/a.svg")
    address = "/badges/A.json"
    asked = {"label": "<seen>", "color": "red", "style": "for-the-badge"}
    response = await client.get(address, query_string=asked)
    told: dict[str, Any] = await response.get_json()
    assert told == {
        "schemaVersion": 1,
        "label": "<seen>",
        "message": "1",
        "color": "#e05d44",
        "labelColor": "#444",
        "style": "for-the-badge",
    }
    # It was not counted, however often it is asked for.
    today = await client.get(address, query_string={"period": "today"})
    assert (await today.get_json())["message"] == "1 today"
    assert (await client.get("/badges/_.json")).status_code == 404
