"""A page that is filled in is what rendering it would give."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from jinja2 import DictLoader
from quart import render_template
from small_app.application import create_app

from quart_chassis.application import Application
from quart_chassis.web import filled

TEMPLATES = {
    "plain": "<p>{{ value }}, {{ '{:,}'.format(value) }}</p>{{ value }}{{ name }}",
    "length": "<p>{{ (value | string) | length }} {{ value }}</p>",
    "next": "<p>{{ value + 1 }} after {{ value }}</p>",
    "parity": "<p>{{ value }} {{ 'odd' if value is odd else 'even' }}</p>",
    "hexadecimal": "<p>{{ '{:x}'.format(value) }} {{ '%d' | format(value) }}</p>",
    "compared": "<p>{{ value }}{{ '!' if value == 12 }}{{ '?' if value > 10 }}</p>",
    "truth": "<p>{{ value }}{{ ' of them' if value }}</p>",
    "escaped": "<p>{{ name }} {{ value }} {{ [value] }} {{ value | tojson }}</p>",
}
# As they may come, also out of order.
NUMBERS = [1, 2, 3, 9, 10, 11, 12, 11, 999, 1000, 1001, 1002, 1234567, 1234568, 0, 5]


@pytest.fixture
async def serving(database: str) -> AsyncIterator[Application]:
    app = create_app(DATABASE_URL=database, ADMIN_TOKEN="t" * 16)
    app.jinja_loader = DictLoader(TEMPLATES)
    app.jinja_env.loader = app.jinja_loader
    async with app.test_app():
        yield app


def scope_of(context: Any) -> dict[str, Any]:
    scope: dict[str, Any] = context.request.scope
    return scope


@pytest.mark.parametrize("template", TEMPLATES)
async def test_it_says_what_rendering_says(serving: Application, template: str) -> None:
    async with serving.test_request_context("/"):
        for number in NUMBERS * 2:
            shown = await filled.render(template, number, name="<b>")
            assert shown == await render_template(template, value=number, name="<b>")


async def test_it_is_found_once_two_numbers_have_proved_it(
    serving: Application,
) -> None:
    async with serving.test_request_context("/") as context:

        def found(number: int) -> str | None:
            return filled.find(serving, scope_of(context), "plain", number)

        assert found(13) is None
        await filled.render("plain", 11, name="a")
        assert found(13) is None
        await filled.render("plain", 12, name="a")
        assert found(13) == "<p>13, 13</p>13a"
        assert found(133) is None
        await filled.render("next", 11)
        await filled.render("next", 12)
        assert filled.find(serving, scope_of(context), "next", 13) is None


@pytest.mark.parametrize("header", ["Cookie", "Authorization"])
async def test_who_may_be_known_gets_a_page_of_their_own(
    serving: Application, header: str
) -> None:
    async with serving.test_request_context("/", headers={header: "x"}) as context:
        for number in (11, 12, 13):
            await filled.render("plain", number)
        assert filled.find(serving, scope_of(context), "plain", 14) is None


async def test_pages_do_not_pile_up(serving: Application) -> None:
    async with serving.test_request_context("/"):
        for kind in range(filled.MOST_PAGES + 10):
            await filled.render("plain", 11, kind)
    assert 0 < len(serving.extensions["pages"]) <= filled.MOST_PAGES
