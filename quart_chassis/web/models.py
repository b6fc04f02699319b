"""JSON Schema of the models that routes name (msgspec Structs)."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

REFERENCE = "#/components/schemas/{name}"


def components(models: list[type[Any]]) -> dict[str, Any]:
    """The schema of each model, and of the models inside it, by name."""
    _, schemas = msgspec.json.schema_components(models, ref_template=REFERENCE)
    for kind in inspect.multi_type_info(models):
        for struct in _structs(kind, set()):
            described = schemas[struct.cls.__name__]["properties"]
            for field in struct.fields:
                _name_times(field.type, described[field.encode_name])
    return schemas


def _structs(kind: inspect.Type, seen: set[type]) -> Iterator[inspect.StructType]:
    """Every Struct in the type, itself included."""
    if isinstance(kind, inspect.StructType):
        if kind.cls in seen:
            return
        seen.add(kind.cls)
        yield kind
        for field in kind.fields:
            yield from _structs(field.type, seen)
    for inner in _inner(kind):
        yield from _structs(inner, seen)


def _inner(kind: inspect.Type) -> Iterator[inspect.Type]:
    """The types that a list, a dictionary or a union is made of."""
    match kind:
        case inspect.UnionType(types=types):
            yield from types
        case inspect.CollectionType(item_type=item):
            yield item
        case inspect.DictType(value_type=value):
            yield value


def _name_times(kind: inspect.Type, schema: dict[str, Any]) -> None:
    """Add `format: date-time`, which msgspec omits where the time zone is optional."""
    match kind:
        case inspect.DateTimeType():
            schema["format"] = "date-time"
        case inspect.UnionType(types=types):
            if any(isinstance(each, inspect.DateTimeType) for each in types):
                # A union has at most one type that is a string in JSON.
                for each in schema["anyOf"]:
                    if each.get("type") == "string":
                        each["format"] = "date-time"
        case inspect.CollectionType(item_type=item):
            _name_times(item, schema["items"])
