"""Models of every shape are in the API's description."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from quart_chassis.web import models

TIME = {"type": "string", "format": "date-time"}


@dataclass
class Span:
    begin: datetime


class Item(msgspec.Struct):
    at: datetime
    maybe: list[datetime] | None
    by_name: dict[str, datetime]
    pair: tuple[datetime, ...]
    both: tuple[datetime, int]
    noted: Annotated[datetime, Meta(title="Noted")]
    span: Span
    anything: Any
    free: dict[str, Any]
    some: list[Any] | None
    day: date
    text: str


def test_times_are_told_wherever_they_stand() -> None:
    _, components = models.described([list[Item]])
    item = components["Item"]["properties"]
    assert item["at"] == TIME
    assert {"type": "array", "items": TIME} in item["maybe"]["anyOf"]
    assert item["by_name"]["additionalProperties"] == TIME
    assert item["pair"]["items"] == TIME
    assert item["both"]["prefixItems"] == [TIME, {"type": "integer"}]
    assert item["noted"] == TIME | {"title": "Noted"}
    assert components["Span"]["properties"]["begin"] == TIME
    assert item["day"]["format"] == "date"
    assert "format" not in item["text"]


def test_two_models_of_one_name_are_both_there() -> None:
    other = msgspec.defstruct("Item", [("number", int)], module="somewhere.else")
    schemas, components = models.described([Item, other])
    names = {schemas[each]["$ref"].rpartition("/")[2] for each in (Item, other)}
    assert len(names) == 2
    assert names <= components.keys()


def test_a_list_of_models_is_a_list_of_references() -> None:
    schemas, _ = models.described([list[Item]])
    reference = {"$ref": "#/components/schemas/Item"}
    assert schemas[list[Item]] == {"type": "array", "items": reference}
