"""What is posted is stored, or told beside its field; no value of one is a 500."""

from html import unescape
from io import BytesIO
from secrets import token_urlsafe
from urllib.parse import unquote_to_bytes

import pytest
from quart import Response, jsonify
from quart.datastructures import FileStorage
from quart.typing import TestClientProtocol
from small_app.notes_app.shelves import ShelfForm
from small_app.notes_app.tables import shelves
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    DateField,
    DateTimeLocalField,
    DecimalField,
    FileField,
    FloatField,
    IntegerField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import Optional

from quart_chassis.application import Application
from quart_chassis.database import begin
from quart_chassis.web import Form, accepts_body, read_form, tell_violation

URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=b"}
SHELF = {"name": "top", "width": "80"} | dict.fromkeys(
    ("price", "bought_on", "seen_at", "above"), ""
)
UNSTORABLE = "This text has characters that cannot be stored."
MISSING = "This field was not sent. Reload the page, and try again."
TOO_LARGE = "This is too large."
# As settings.toml has it.
BODY_LIMIT_BYTES = 16384


# NUL, half of a character, and what is not UTF-8.
QUOTED = [b"%00", b"%ED%A0%80", b"\xed\xa0\x80", b"%FF", b"\xff"]
# What is posted in a field, and what is said about it.
WRONG = [
    ("name", "", "This field is required."),
    ("name", "a\0b", UNSTORABLE),
    ("name", "a" * 61, "Field cannot be longer than 60 characters."),
    # The column is shorter than the form says.
    ("name", "a" * 41, TOO_LARGE),
    ("width", "wide", "Not a valid integer value."),
    ("width", "8\0", "Not a valid integer value."),
    ("width", "9" * 5000, "Not a valid integer value."),
    ("width", str(2**63), f"Enter a number from {-(2**63)} to {2**63 - 1}."),
    # The column has 32 bits.
    ("width", str(2**31), TOO_LARGE),
    ("width", "0", "This value is not allowed."),
    ("price", "NaN", "Enter a number with at most 18 digits"),
    ("price", "sNaN", "Enter a number with at most 18 digits"),
    ("price", "-Infinity", "Enter a number with at most 18 digits"),
    ("price", "1e18", "Enter a number with at most 18 digits"),
    ("price", "1e999999999", "Enter a number with at most 18 digits"),
    ("price", "0." + "0" * 10 + "1", "Enter a number with at most 18 digits"),
    # The column has six digits before the point.
    ("price", "1000000", TOO_LARGE),
    ("bought_on", "2026-02-30", "Not a valid date value."),
    ("bought_on", "0999-12-31", "Enter a date after the year 999."),
    ("bought_on", "10000-01-01", "Not a valid date value."),
    ("seen_at", "2026-01-01T10:00+02:00", "Not a valid datetime value."),
    ("seen_at", "0001-01-01T00:00", "Enter a date after the year 999."),
    ("above", "7", "This does not exist any more. Choose another one."),
]
# Bodies, and how they are refused.
REFUSED = [
    ({"Content-Type": "application/json"}, b"{}", 415),
    ({"Content-Type": "text/plain"}, b"name=a", 415),
    ({}, b"name=a", 415),
    (URLENCODED, b"name=" + b"a" * 2**20, 413),
    (URLENCODED, b"name=" + b"a" * 10 * 2**20, 413),
    (URLENCODED, b"&".join([b"a=1"] * 1001), 413),
    (MULTIPART, b"--b\r\n" + b"a" * BODY_LIMIT_BYTES, 413),
    (MULTIPART, b"", 400),
    (MULTIPART, b"--b\r\n\r\n\r\n--b--", 400),
    (MULTIPART, b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nc', 400),
    (MULTIPART, b"--b\r\n\xff: a\r\n\r\n\r\n--b--", 400),
    ({"Content-Type": "multipart/form-data"}, b"a", 400),
    ({"Content-Type": "multipart/form-data; boundary=\u00e4"}, b"a", 400),
]


async def posted(client: TestClientProtocol, **fields: str) -> tuple[int, str]:
    """How the form for a shelf was answered, and the page with it, if there is one."""
    response = await client.post("/shelves", form=SHELF | fields)
    return response.status_code, unescape(await response.get_data(as_text=True))


def error_of(page: str, field: str) -> str:
    """What a page says is wrong with a field."""
    return page.partition(f'id="{field}-error">')[2].partition("<")[0]


async def test_a_valid_form_is_stored_and_the_next_page_says_so(
    client: TestClientProtocol,
) -> None:
    response = await client.post("/shelves", form=SHELF)
    assert response.status_code == 303
    assert response.headers["Location"] == "/shelves"
    page = await (await client.get("/shelves")).get_data(as_text=True)
    assert "Shelves: 1" in page
    assert '<p role="status">There is a shelf top.</p>' in page
    again = await (await client.get("/shelves")).get_data(as_text=True)
    assert "There is a shelf" not in again


async def test_a_wrong_value_is_told_beside_its_field(
    client: TestClientProtocol,
) -> None:
    for field, value, told in WRONG:
        status, page = await posted(client, **{field: value})
        assert status == 422, (field, value)
        assert error_of(page, field).startswith(told), (field, value)
        assert [each for each in SHELF if error_of(page, each)] == [field]
        # Everything else is still there, to be corrected.
        assert field == "width" or 'value="80"' in page


async def test_a_name_that_is_taken_is_told_beside_it(
    client: TestClientProtocol,
) -> None:
    assert (await posted(client))[0] == 303
    status, page = await posted(client)
    assert (status, error_of(page, "name")) == (422, "This is taken already.")


async def test_a_text_that_its_index_cannot_hold_is_told(app: Application) -> None:
    name = token_urlsafe(6000)
    form = ShelfForm(MultiDict(SHELF | {"name": name}))
    async with app.test_app(), app.app_context():
        async with begin() as connection:
            await connection.execute(text("ALTER TABLE shelves ALTER name TYPE text"))
        with pytest.raises(DBAPIError) as raised:
            async with begin() as connection:
                await connection.execute(insert(shelves).values(name=name, width=1))
        assert tell_violation(form, raised.value)
    assert form.name.errors == ["This is too long."]


async def test_what_no_field_can_be_blamed_for_is_raised(app: Application) -> None:
    class Other(Form):
        colour = StringField()

    async with app.test_app(), app.app_context():
        with pytest.raises(DBAPIError) as raised:
            async with begin() as connection:
                await connection.execute(insert(shelves).values(width=1))
        other = Other(MultiDict({"colour": "red"}))
        assert not tell_violation(other, raised.value)
        assert not other.errors
        # A column that may not be empty names itself.
        shelf = ShelfForm(MultiDict(SHELF))
        assert tell_violation(shelf, raised.value)
        assert shelf.name.errors == ["This field is required."]


async def test_bytes_that_are_no_text_are_told_beside_their_field(
    client: TestClientProtocol,
) -> None:
    rest = b"&width=1&price=&bought_on=&seen_at=&above="
    part = b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n%s\r\n--b--\r\n'
    bodies = [
        *((URLENCODED, b"name=" + name + rest) for name in QUOTED),
        *((MULTIPART, part % unquote_to_bytes(name)) for name in QUOTED),
    ]
    for headers, body in bodies:
        response = await client.post("/shelves", headers=headers, data=body)
        page = unescape(await response.get_data(as_text=True))
        assert (response.status_code, error_of(page, "name")) == (422, UNSTORABLE)


async def test_a_form_from_before_a_field_was_added_is_told(
    client: TestClientProtocol,
) -> None:
    for missing in SHELF:
        form = {name: value for name, value in SHELF.items() if name != missing}
        response = await client.post("/shelves", form=form)
        page = unescape(await response.get_data(as_text=True))
        assert response.status_code == 422, missing
        required = missing in {"name", "width"}
        told = "This field is required." if required else MISSING
        assert error_of(page, missing) == told


async def test_a_form_without_anything_is_told(client: TestClientProtocol) -> None:
    response = await client.post("/shelves")
    page = unescape(await response.get_data(as_text=True))
    assert (response.status_code, error_of(page, "price")) == (422, MISSING)


async def test_a_body_that_is_no_form_is_refused(client: TestClientProtocol) -> None:
    for headers, body, status in REFUSED:
        response = await client.post("/shelves", headers=headers, data=body)
        assert response.status_code == status, (headers, body[:50])


async def test_a_form_may_come_in_parts(client: TestClientProtocol) -> None:
    parts = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (SHELF | {"name": "t\u00f6p"}).items()
    )
    response = await client.post(
        "/shelves", headers=MULTIPART, data=f"{parts}--b--\r\n".encode()
    )
    assert response.status_code == 303


async def test_a_file_is_refused_where_none_is_asked_for(
    client: TestClientProtocol,
) -> None:
    files = {"name": FileStorage(BytesIO(b"a"), filename="a.txt")}
    response = await client.post("/shelves", form=SHELF, files=files)
    assert response.status_code == 422
    other = {"other": FileStorage(BytesIO(b"a"), filename="a.txt")}
    response = await client.post("/shelves", form=SHELF, files=other)
    assert response.status_code == 422


async def test_a_view_may_take_files_and_larger_bodies(app: Application) -> None:
    class Upload(Form):
        title = StringField()
        picture = FileField()

    @app.post("/upload/<int:number>")
    @accepts_body(100_000)
    async def upload(number: int) -> Response:
        form = await read_form(Upload)
        picture = form.picture.data
        return jsonify(form.title.data, len(picture.read()) if picture else None)

    async def upload_of(client: TestClientProtocol, name: str, size: int) -> Response:
        files = {"picture": FileStorage(BytesIO(b"a" * size), filename=name)}
        return await client.post("/upload/1", form={"title": "A"}, files=files)

    async with app.test_app() as serving:
        client = serving.test_client()
        assert await (await upload_of(client, "a.png", 50_000)).json == ["A", 50_000]
        # A browser sends an empty one if none was chosen.
        assert await (await upload_of(client, "", 0)).json == ["A", None]
        assert (await upload_of(client, "a.png", 100_000)).status_code == 413
        text = await client.post("/upload/1", form={"title": "A", "picture": "a"})
        assert text.status_code == 422
        # No other view accepts more than before.
        large = SHELF | {"name": "a" * BODY_LIMIT_BYTES}
        assert (await client.post("/shelves", form=large)).status_code == 413


class Everything(Form):
    """A field of each kind that treats its value in its own way."""

    text = StringField()
    lines = TextAreaField(validators=[Optional()])
    password = PasswordField()
    ratio = FloatField()
    price = DecimalField()
    number = IntegerField()
    day = DateField()
    time = DateTimeLocalField()
    kind = SelectField(choices={"a": "A"})
    colour = RadioField(choices={"red": "Red"}, validators=[Optional()])
    agreed = BooleanField()


EVERYTHING = {
    "text": "  a \r\n b ",
    "lines": " \r\n ",
    "password": " p ",
    "ratio": "0.5",
    "price": "1.2345",
    "number": "-9223372036854775808",
    "day": "2026-11-26",
    "time": "2026-11-26T10:30",
    "kind": "a",
}


def test_values_are_made_ready_for_the_database() -> None:
    form = Everything(MultiDict(EVERYTHING))
    assert form.validate(), form.errors
    assert form.text.data == "a \n b"
    assert form.lines.data is None
    assert form.password.data == " p "
    assert form.number.data == -(2**63)
    assert form.time.data is not None
    assert form.time.data.isoformat() == "2026-11-26T10:30:00+00:00"
    assert form.agreed.data is False
    # Shown again as it is, so that posting it again changes nothing.
    assert 'value="1.2345"' in Everything(data={"price": form.price.data}).price()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ratio", "nan"),
        ("ratio", "inf"),
        ("ratio", "1e999"),
        ("kind", "b"),
        ("kind", "a\0"),
        ("colour", "blue"),
        ("password", "\ud800"),
        ("lines", "\0"),
    ],
)
def test_other_values_are_refused(name: str, value: str) -> None:
    form = Everything(MultiDict(EVERYTHING | {name: value}))
    assert not form.validate()
    assert list(form.errors) == [name]
    assert "\0" not in str(form[name]())


def test_a_form_that_was_not_posted_lacks_nothing() -> None:
    assert not any(field.errors for field in ShelfForm())
    shelf = ShelfForm(data={"name": "top", "width": 1})
    shelf.name.validators = []
    shelf.width.validators = []
    assert shelf.validate()
