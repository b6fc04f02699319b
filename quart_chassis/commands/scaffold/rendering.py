"""Fill in the templates: every file of a feature, and of its tests."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from quart_chassis.commands.scaffold.feature import Feature

SUFFIX = ".jinja"
OF_API = {"api.py", "schemas.py", "test_api.py"}
# What each kind of column is imported for.
SQLALCHEMY = {
    "text": {"Text", "CheckConstraint"},
    "numeric": {"Numeric"},
    "date": {"Date"},
    "bool": {"Boolean"},
    "enum": {"Enum"},
    "ref": {"ForeignKey"},
}
ALWAYS = {"BigInteger", "Column", "DateTime", "Identity", "Table", "func"}
OF_CHASSIS = {"enum": "EnumField", "json": "JsonField", "ref": "ReferenceField"}


def files(feature: Feature) -> dict[str, str]:
    """The text of each file by its path in the project, as it is before formatting."""
    environment = Environment(
        loader=PackageLoader(__package__),
        variable_start_string="[[",
        variable_end_string="]]",
        block_start_string="[%",
        block_end_string="%]",
        comment_start_string="[#",
        comment_end_string="#]",
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - what it makes is code, and names are checked
    )
    context = feature.context() | _imports(feature)
    macros: Any = environment.get_template(f"macros{SUFFIX}").module
    found = {}
    for name in environment.list_templates():
        path = _path(feature, name.removesuffix(SUFFIX))
        if path is not None:
            template = environment.get_template(name)
            found[path] = template.render(context, macros=macros)
    return found


def _path(feature: Feature, name: str) -> str | None:
    """Where a template's file belongs; None if the feature has no such file."""
    kind, _, rest = name.partition("/")
    if Path(name).name in OF_API and not feature.api:
        return None
    if kind == "tests":
        return f"tests/{feature.name}/{rest}"
    if kind != "package":
        return None
    folder = f"{feature.package}/{feature.name}"
    if rest.startswith("templates/"):
        return f"{folder}/templates/{feature.name}/{rest.removeprefix('templates/')}"
    return f"{folder}/{rest}"


def _imports(feature: Feature) -> dict[str, Any]:
    """What the modules import, besides what all of them do."""
    columns = feature.columns
    kinds = {column.kind for column in columns}
    sqlalchemy = ALWAYS.union(*(SQLALCHEMY.get(kind, ()) for kind in kinds))
    sqlalchemy |= {each.reference.type for each in columns if each.reference}
    forms = " ".join(column.in_form for column in columns)
    constants = {"LONGEST_TEXT"} | {each.constant for each in columns}
    validators = ("DataRequired", "InputRequired", "Length", "Optional")
    others = {
        (each.reference.module, each.reference.variable)
        for each in columns
        if each.reference and each.reference.table != feature.name
    }
    return {
        "sqlalchemy": sorted(sqlalchemy),
        "wtforms": sorted(
            {each.in_form.partition("(")[0] for each in columns}
            - set(OF_CHASSIS.values())
        ),
        "validators": [each for each in validators if f"{each}(" in forms],
        "constants": sorted(
            each for each in constants if f", {each})" in forms or f"={each})" in forms
        ),
        "web_fields": sorted({"Form", *(OF_CHASSIS[k] for k in kinds & {*OF_CHASSIS})}),
        "imported": sorted(others),
        "rows_need_dates": any("dt." in str(row.given) for row in feature.rows),
    }
