"""Fields for what PostgreSQL has, and WTForms has no field for."""

import json
from datetime import datetime
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict
from wtforms.validators import InputRequired, Optional

from quart_chassis.application import Application
from quart_chassis.web import EnumField, Form, JsonField, ReferenceField, check_storable


class Filled(Form):
    """One of each."""

    note = JsonField("Note", [Optional()])
    state = EnumField("State", [InputRequired()], ("new", "not_sent"))
    mood = EnumField("Mood", [Optional()], ("good",))
    writer_id = ReferenceField("Writer", [InputRequired()])
    parent_id = ReferenceField("Parent", [Optional()])


def sent(**values: str) -> Filled:
    """The form as a browser sends it."""
    empty = {"note": "", "state": "new", "mood": "", "writer_id": "1", "parent_id": ""}
    return Filled(MultiDict(empty | values))


def test_what_may_be_empty_is_none() -> None:
    form = sent()
    assert form.validate()
    assert form.data == {
        "note": None,
        "state": "new",
        "mood": None,
        "writer_id": 1,
        "parent_id": None,
    }


@pytest.mark.parametrize(
    "value",
    [None, True, 0, 1.5, "", " a ", [], {}, {"a": [1, {"b": "\N{SNOWMAN}"}]}, 10**30],
)
def test_json_comes_back_as_it_was_shown(value: Any) -> None:
    shown = Filled(data={"note": value}).note._value()
    form = sent(note=shown)
    if isinstance(value, int) and abs(value) > 2**63:
        assert "Enter a number" in form.note.process_errors[0]
        return
    assert form.validate()
    assert form.note.data == value
    assert json.loads(shown or "null") == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "This is not JSON."),
        ("nope", "This is not JSON."),
        ("NaN", "This is not JSON."),
        ("1e999", "This is not JSON."),
        ('{"a": 1, "a": 2}', "This is not JSON."),
        ("[" * 100_000, "This is not JSON."),
        ('"\\u0000"', "characters that cannot be stored"),
        ('{"a": ["\\ud800"]}', "characters that cannot be stored"),
        ('{"\\u0000": 1}', "characters that cannot be stored"),
        ('"\0"', "characters that cannot be stored"),
    ],
)
def test_what_is_no_json_is_told_beside_it(text: str, told: str) -> None:
    form = sent(note=text)
    assert not form.validate()
    assert told in form.note.errors[0]
    assert list(form.errors) == ["note"]


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-01:00"]
)
def test_a_time_that_utc_does_not_have_is_refused(time: str) -> None:
    check_storable(datetime.fromisoformat("2026-01-01T00:00:00+14:00"))
    with pytest.raises(ValueError, match="before the year 1"):
        check_storable(datetime.fromisoformat(time))


@pytest.mark.parametrize("state", ["", "old", "New", "new "])
def test_only_a_value_of_the_enum_can_be_chosen(state: str) -> None:
    form = sent(state=state)
    assert not form.validate()
    assert list(form.errors) == ["state"]


@pytest.mark.parametrize("row", ["", "x", "-1", "0", "1.5", str(2**63), "1\0"])
def test_only_an_id_can_be_chosen(row: str) -> None:
    form = sent(writer_id=row)
    assert not form.validate()
    assert list(form.errors) == ["writer_id"]


async def test_choices_are_shown_with_the_chosen_one(app: Application) -> None:
    form = sent(writer_id="2", mood="good")
    form.writer_id.choices = [(1, "Ann"), (2, "B & C")]
    for _ in range(2):
        assert str(form.writer_id).count("<option") == 3
        assert '<option selected value="2">B &amp; C</option>' in str(form.writer_id)
    assert '<option value="not_sent">Not sent</option>' in str(form.state)
    assert '<option selected value="good">Good</option>' in str(form.mood)
    assert str(form.parent_id).count("<option") == 1
