"""JSON Schema of the models that routes name: msgspec Structs, and lists of them."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from msgspec import inspect

REFERENCE = "#/components/schemas/{name}"
# Types with named fields.
Record = inspect.StructType | inspect.DataclassType | inspect.TypedDictType
Schema = dict[str, Any]


def described(models: Iterable[Any]) -> tuple[dict[Any, Schema], Schema]:
    """The schema of each model, and the components that they refer to, by name.

    msgspec names the components; two models of one name get longer names.
    """
    models = list(models)
    records = list(_records(inspect.multi_type_info(models), set()))
    kinds = [*models, *(record.cls for record in records)]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=REFERENCE)
    by_kind = dict(zip(kinds, schemas, strict=True))
    for record in records:
        name = by_kind[record.cls]["$ref"].rpartition("/")[2]
        properties = components[name].get("properties", {})
        for field in record.fields:
            if field.encode_name in properties:
                _name_times(field.type, properties[field.encode_name])
    return by_kind, components


def _records(kinds: Iterable[inspect.Type], seen: set[type]) -> Iterator[Record]:
    """Every type with fields that these types are made of, themselves included."""
    for kind in kinds:
        if isinstance(kind, Record):
            if kind.cls not in seen:
                seen.add(kind.cls)
                yield kind
                yield from _records((field.type for field in kind.fields), seen)
        else:
            yield from _records(_parts(kind), seen)


def _parts(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    """The types that a list, a dictionary or a union is made of."""
    match kind:
        case inspect.UnionType(types=types) | inspect.TupleType(item_types=types):
            return types
        case inspect.CollectionType(item_type=part) | inspect.DictType(value_type=part):
            return (part,)
        case inspect.Metadata(type=part):
            return (part,)
    return ()


def _name_times(kind: inspect.Type, schema: Schema) -> None:
    """Say `format: date-time`, which msgspec leaves out where a zone may be missing."""
    if isinstance(kind, inspect.DateTimeType):
        schema["format"] = "date-time"
        return
    for part, own in zip(_parts(kind), _schemas_of_parts(kind, schema), strict=False):
        _name_times(part, own)


def _schemas_of_parts(kind: inspect.Type, schema: Schema) -> list[Schema]:
    """The schemas in `schema` of what `kind` is made of, in the same order.

    There are none where a part may be anything.
    """
    match kind:
        case inspect.Metadata():
            return [schema]
        case inspect.UnionType():
            return list(schema.get("anyOf", []))
        case inspect.TupleType():
            return list(schema.get("prefixItems", []))
        case inspect.CollectionType():
            return [schema["items"]] if "items" in schema else []
        case inspect.DictType():
            value = schema.get("additionalProperties")
            return [value] if isinstance(value, dict) else []
    return []
