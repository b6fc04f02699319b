"""A feature that is to be written: its names, its columns, and what they refer to."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from quart import Quart

from quart_chassis.commands.scaffold import names, references, words
from quart_chassis.commands.scaffold.columns import Column
from quart_chassis.commands.scaffold.fields import LONGEST_TEXT, Field
from quart_chassis.commands.scaffold.references import Reference, Row
from quart_chassis.errors import UserError
from quart_chassis.project import Project

# Of a list; the page of a row shows all of them.
MOST_COLUMNS = 5


@dataclass(frozen=True)
class Feature:
    """A feature; `rows` are those of other tables that its tests refer to."""

    package: str
    name: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    api: bool

    @property
    def address(self) -> str:
        """Its name in addresses."""
        return self.name.replace("_", "-")

    def context(self) -> dict[str, Any]:
        """What the templates are filled with."""
        one = words.singular(self.name)
        several = words.human(self.name)
        if one.startswith(self.name):
            # News are news entries.
            several = words.human(words.plural(one))
        columns = self.columns
        return {
            "feature": self,
            "name": self.name,
            "package": self.package,
            "api": self.api,
            "title": words.title(self.name),
            "address": self.address,
            "plural": several,
            "one": one,
            "singular": words.human(one),
            "a_singular": words.article(words.human(one)),
            "row_title": words.title(one),
            "Row": words.camel(one),
            "columns": columns,
            "kinds": {column.kind for column in columns},
            "listed": [each for each in columns if each.kind != "json"][:MOST_COLUMNS],
            "label": next((each for each in columns if each.kind == "text"), None),
            "references": [each for each in columns if each.reference],
            "shown": [each for each in columns if each.reference and each.label],
            "enums": [each for each in columns if each.kind == "enum"],
            "unique": [each for each in columns if each.field.unique],
            "required": [each for each in columns if not each.optional],
            "wrong": [each for each in columns if each.kind != "bool"],
            # What msgspec lets through, and PostgreSQL does not.
            "checked": [each for each in columns if each.kind in {"json", "datetime"}],
            "numbered": any("number" in each.value for each in columns),
            "rows": self.rows,
            "longest_text": LONGEST_TEXT,
        }


def plan(
    project: Project, app: Quart, name: str, fields: tuple[Field, ...], api: bool
) -> Feature:
    """The feature; UserError if a name cannot be had, or a field refers to nothing."""
    names.check_feature(project, app, name, api)
    names.check_fields(name, fields)
    metadata = project.metadata()
    found: dict[str, Reference] = {}
    for field in fields:
        if field.kind != "ref":
            continue
        if field.detail != name:
            found[field.name] = _with_page(
                references.find(metadata, project.package, field.detail), app
            )
            continue
        if not field.optional:
            raise UserError(
                f"{field.name} refers to {name} itself, so that no row could be the "
                f"first; write {field.name}:ref:{name}?"
            )
        found[field.name] = references.to_itself(project.package, name, fields)
    used = Counter([name, *(each.table for each in found.values())])
    columns = tuple(
        Column(name, field, _with_alias(found.get(field.name), field, used))
        for field in fields
    )
    others = list(
        dict.fromkeys(each.table for each in found.values() if each.table != name)
    )
    rows = references.rows_for(metadata, project.package, others)
    return Feature(project.package, name, columns, rows, api)


def _with_alias(
    reference: Reference | None, field: Field, used: Counter[str]
) -> Reference | None:
    """The reference with a name for its rows, if a statement has its table twice."""
    if reference and used[reference.table] > 1:
        return replace(reference, alias=f"{field.name}_{reference.variable}")
    return reference


def _with_page(reference: Reference, app: Quart) -> Reference:
    """The reference with the address of a row's page, if its feature has one."""
    endpoint = f"{reference.module.split('.')[1]}.detail"
    for rule in app.url_map.iter_rules():
        if rule.endpoint == endpoint and len(rule.arguments) == 1:
            return replace(reference, endpoint=endpoint, argument=min(rule.arguments))
    return reference
