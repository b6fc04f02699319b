"""Names that a feature and its fields cannot have."""

import builtins
import keyword
import re
from collections.abc import Iterable
from pathlib import Path

from quart import Quart
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from quart_chassis.commands.scaffold import words
from quart_chassis.commands.scaffold.fields import LONGEST_NAME, Field
from quart_chassis.errors import UserError
from quart_chassis.project import Project
from quart_chassis.web import Form

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# So that lines fit, and that what is added to a name fits into LONGEST_NAME.
LONGEST_WORD = 30
# What the modules that have the table call something else, as do the tests.
BESIDE_TABLE = {
    *("add", "added", "after", "begin", "change", "chosen", "client", "connection"),
    *("dataclass", "delete", "dt", "each", "following", "found", "func", "insert"),
    *("key", "last", "listed", "metadata", "name", "number", "owner", "page", "path"),
    *("pytest", "queries", "read", "remove", "response", "row", "rows", "seeds"),
    *("select", "shown", "statement", "update", "values"),
}
# What the views and the templates call something else than a row.
BESIDE_ROW = {
    *("abort", "add", "after", "begin", "blueprint", "can_sign_in", "change", "config"),
    *("connection", "cycler", "detail", "error", "field", "flash", "following", "form"),
    *("found", "g", "index", "is_owner", "joiner", "lipsum", "loop", "msgspec", "name"),
    *("namespace", "navigation", "owner_required", "page", "queries", "read_form"),
    *("read_query", "remove", "render_template", "request", "see_other", "self"),
    *("session", "submit", "super", "tell_violation", "url_for"),
}
# Columns that every table of a feature has, types that a class of rows is written
# with, and what a browser calls something of a form.
OF_EVERY_ROW = {"id", "created_at", "dt", "csrf_token", "submit"}
TYPES = {"bool", "int", "object", "str"}


def check_feature(project: Project, app: Quart, name: str, api: bool) -> None:
    """UserError if no feature can be called `name`, or something is called so."""
    _check_word(name, "a feature")
    if name in BESIDE_TABLE or words.singular(name) in BESIDE_ROW:
        raise UserError(
            f"{name} is what the code of a feature calls something else; choose "
            f"another name, such as {name}_list"
        )
    if name in {project.package, "quart_chassis"}:
        raise UserError(f"{name} is a package already; choose another name")
    if taken := _taken(project, app, name, api):
        raise UserError(f"{taken} is there already; choose another name, or delete it")


def check_fields(name: str, fields: Iterable[Field]) -> None:
    """UserError names the first field whose name or column cannot be had."""
    for field in fields:
        _check_word(field.name, "a field")
        for each in {field.name, field.column}:
            if why := _why_not(each):
                raise UserError(
                    f"a field cannot be called {each}, {why}; choose another name"
                )
        for made in _names_made(name, field):
            if len(made) > LONGEST_NAME:
                raise UserError(
                    f"{made} is longer than {LONGEST_NAME} characters, which is all "
                    f"that PostgreSQL keeps; shorten {field.name} or {name}"
                )


def _check_word(name: str, what: str) -> None:
    if not NAME.fullmatch(name):
        better = re.sub(r"[^a-z0-9]+", "_", _with_underscores(name)).strip("_")
        remedy = f"such as {better}" if NAME.fullmatch(better) else "such as orders"
        raise UserError(
            f"{name!r} cannot be the name of {what}; write small letters, digits and "
            f"single underscores, {remedy}"
        )
    if len(name) > LONGEST_WORD:
        raise UserError(f"{name} is longer than {LONGEST_WORD} characters; shorten it")
    if keyword.iskeyword(name):
        raise UserError(f"{name} is a word of Python itself; choose another name")
    if what == "a feature" and hasattr(builtins, name):
        raise UserError(f"{name} is a name of Python's own; choose another one")


def _with_underscores(name: str) -> str:
    """`OrderItems` as order_items; in other respects the name in small letters."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _why_not(name: str) -> str:
    """Why no column can be called `name`; "" if one can."""
    if name in OF_EVERY_ROW:
        return "which every row or form has already"
    if name in TYPES:
        return "which is a type of Python"
    if hasattr(Form, name) or name in vars(Form()) or name.startswith("validate_"):
        return "which means something else in a form"
    if hasattr(ReadOnlyColumnCollection, name):
        return "which means something else in a table"
    return ""


def _names_made(name: str, field: Field) -> Iterable[str]:
    """What PostgreSQL will call what is made for a field."""
    yield f"uq_{name}_{field.column}"
    yield f"ck_{name}_{field.column}_length"
    yield f"{name}_{field.column}"
    if field.kind == "ref":
        yield f"fk_{name}_{field.column}_{field.detail}"


def _taken(project: Project, app: Quart, name: str, api: bool) -> str:
    """What is called so already, or ""."""
    for folder in (project.package, "tests"):
        for file in (Path(folder, name), Path(folder, f"{name}.py")):
            if (project.root / file).exists():
                return str(file)
    if name in project.metadata().tables:
        return f"a table {name}"
    for blueprint in (name, f"{name}_api"):
        if blueprint in app.blueprints:
            return f"a blueprint {blueprint}"
    path = f"/{name.replace('_', '-')}"
    paths = [path, *([f"/api{path}"] if api else [])]
    for rule in app.url_map.iter_rules():
        if any(rule.rule == path or rule.rule.startswith(f"{path}/") for path in paths):
            return f"the route {rule.rule}"
    return ""
