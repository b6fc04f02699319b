"""What `startapp` refuses, and what it makes of names, fields and `application.py`."""

import ast
import builtins
import re
from collections.abc import Iterator

import pytest
from jinja2 import Environment

from quart_chassis.application import Application
from quart_chassis.commands.scaffold import feature, fields, names, rendering, words
from quart_chassis.commands.scaffold.configuring import without_block
from quart_chassis.commands.scaffold.feature import Feature
from quart_chassis.commands.scaffold.registering import with_feature, without_feature
from quart_chassis.errors import UserError
from quart_chassis.project import Project

EVERY_TYPE = (
    *("title:text", "quantity:int", "price:numeric", "due:date", "at:datetime"),
    *("paid:bool", "state:enum:new,sent", "note:json", "writer:ref:notes"),
)
OPTIONAL = (
    *("title:text?", "quantity:int?", "price:numeric?", "due:date?", "at:datetime?"),
    *("state:enum:new,sent?", "note:json?", "writer:ref:notes?", "parent:ref:orders?"),
)
UNIQUE = ("code:text!", "number_of_it:int!?", "price:numeric!", "due:date!")


def plan(project: Project, name: str, *typed: str, api: bool = False) -> Feature:
    app: Application = project.create_app()
    return feature.plan(project, app, name, fields.parse(typed), api)


def refused(project: Project, name: str, *typed: str) -> str:
    with pytest.raises(UserError) as raised:
        plan(project, name, *typed)
    message = str(raised.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("title", "title is not a field; write NAME:TYPE"),
        ("", " is not a field"),
        ("title:", "title: is not a field"),
        (":text", ":text is not a field"),
        ("title:text:", "is not a field"),
        ("?title:text", "is not a field"),
        ("title:string", "unknown type string; use one of text, int"),
        ("title:Text", "unknown type Text"),
        ("title:text:200", "title:text:200 is not complete; write title:text"),
        ("owner:ref", "write owner:ref:TABLE"),
        ("state:enum", "write state:enum:ONE,TWO"),
        ("state:enum:new,new", "has a value twice"),
        ("state:enum:new,", "(nothing)"),
        ("state:enum:New", "small letters"),
        ("state:enum:it's", "small letters"),
        (f"state:enum:{'x' * 64}", "at most 63"),
        ("title:text??", "has a mark twice"),
        ("paid:bool?", "write paid:enum:yes,no?"),
        ("paid:bool!", "bool cannot be unique"),
        ("note:json!", "json cannot be unique"),
        ("writer:ref:notes!", "ref cannot be unique"),
        ("Title:text", "such as title"),
        ("due-date:date", "such as due_date"),
        ("dueDate:date", "such as due_date"),
        ("_title:text", "such as title"),
        ("2nd:text", "such as orders"),
        ("title\N{LATIN SMALL LETTER E WITH ACUTE}:text", "cannot be the name"),
        ("class:text", "a word of Python"),
        ("id:int", "every row or form has already"),
        ("created_at:datetime", "every row or form has already"),
        ("submit:text", "every row or form has already"),
        ("csrf_token:text", "every row or form has already"),
        ("str:text", "a type of Python"),
        ("data:json", "something else in a form"),
        ("errors:text", "something else in a form"),
        ("validate_title:text", "something else in a form"),
        ("values:text", "something else in a table"),
        ("customer:ref:customers", "there is no table customers to refer to"),
        ("parent:ref:orders", "write parent:ref:orders?"),
        (f"{'x' * 31}:text", "longer than 30"),
    ],
)
def test_a_field_that_cannot_be_had_is_told(
    project: Project, typed: str, told: str
) -> None:
    assert told in refused(project, "orders", typed)


@pytest.mark.parametrize("pair", ["a:text a:int", "a:ref:notes a_id:int"])
def test_two_fields_of_one_column_are_refused(project: Project, pair: str) -> None:
    assert "two fields make the column a" in refused(project, "orders", *pair.split())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Orders", "such as orders"),
        ("OrderItems", "such as order_items"),
        ("order-items", "such as order_items"),
        ("order__items", "such as order_items"),
        ("../orders", "such as orders"),
        ("", "such as orders"),
        ("pass", "a word of Python"),
        ("list", "a name of Python's own"),
        ("rows", "the code of a feature calls something else"),
        ("forms", "the code of a feature calls something else"),
        ("pages", "the code of a feature calls something else"),
        ("small_app", "is a package already"),
        ("quart_chassis", "is a package already"),
        ("notes_app", "small_app/notes_app is there already"),
        ("schema", "small_app/schema.py is there already"),
        ("asgi", "small_app/asgi.py is there already"),
        ("notes", "a table notes is there already"),
        ("docs", "a blueprint docs is there already"),
        ("drafts", "the route /drafts"),
        ("metrics", "the route /metrics"),
        ("x" * 31, "longer than 30"),
    ],
)
def test_a_name_that_cannot_be_had_is_told(
    project: Project, name: str, told: str
) -> None:
    assert told in refused(project, name)


def test_a_name_that_postgresql_would_cut_is_refused(project: Project) -> None:
    long = "x" * 30
    assert "longer than 63" in refused(project, long, f"{'y' * 30}:text")


@pytest.mark.parametrize("api", [False, True])
@pytest.mark.parametrize("typed", [(), EVERY_TYPE, OPTIONAL, UNIQUE])
def test_what_is_written_can_be_read(
    project: Project, typed: tuple[str, ...], api: bool
) -> None:
    written = rendering.files(plan(project, "orders", *typed, api=api))
    assert ("small_app/orders/api.py" in written) == api
    for name, text in written.items():
        assert "[[" not in text.replace("[[Order", "")
        if name.endswith(".py"):
            ast.parse(text, name)
        else:
            Environment(autoescape=True).parse(text, name)


def test_a_feature_has_about_200_lines(project: Project) -> None:
    written = rendering.files(plan(project, "orders", "title:text", "due:date?"))
    own = [text for name, text in written.items() if name.startswith("small_app/")]
    assert 180 <= sum(text.count("\n") for text in own if "{%" not in text) <= 260


def test_no_name_of_a_feature_hides_what_its_code_needs(project: Project) -> None:
    planned = plan(project, "zebras", *EVERY_TYPE, "parent:ref:zebras?", api=True)
    beside_table, beside_row = set(), set()
    for path, text in rendering.files(planned).items():
        if path.endswith(("/tables.py", "/queries.py")) or path.startswith("tests/"):
            beside_table |= set(_names_in(ast.parse(text)))
        if path.endswith("small_app/zebras/views.py"):
            beside_row |= set(_names_in(ast.parse(text)))
    own = re.compile(r"zebra|parent|writer|notes$|test_|created_at")
    for found, known in (
        (beside_table, names.BESIDE_TABLE),
        (beside_row, names.BESIDE_ROW),
    ):
        words_ = {each for each in found if names.NAME.fullmatch(each)}
        fields_ = {each.partition(":")[0] for each in EVERY_TYPE}
        unknown = {each for each in words_ - known - fields_ if not own.match(each)}
        assert {each for each in unknown if not hasattr(builtins, each)} == set()


def _names_in(tree: ast.AST) -> Iterator[str]:
    """The names that a module defines, imports or uses."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.alias(name=name, asname=other):
                yield other or name.partition(".")[0]


@pytest.mark.parametrize(
    ("name", "one"),
    [
        ("orders", "order"),
        ("categories", "category"),
        ("boxes", "box"),
        ("addresses", "address"),
        ("order_items", "order_item"),
        ("series", "series_entry"),
        ("news", "news_entry"),
        ("guestbook", "guestbook_entry"),
        ("classes", "classes_entry"),
        ("types", "types_entry"),
        ("gas", "ga"),
    ],
)
def test_one_row_has_a_name_of_its_own(name: str, one: str) -> None:
    assert words.singular(name) == one


LONG = ", ".join(f"feature_with_a_long_name_{number}" for number in range(3))
ON_LINES = "\n".join(f"    feature_with_a_long_name_{number}," for number in range(3))
BEFORE_LAST = "    orders,\n    feature_with_a_long_name_2".join(
    ON_LINES.rsplit("    feature_with_a_long_name_2", 1)
)
APPLICATIONS = {
    "from shop import home_app\n\nFEATURES = (home_app,)\n": (
        "from shop import home_app, orders\n\nFEATURES = (orders, home_app)\n"
    ),
    "from shop import zoo\n\nFEATURES = (zoo,)\n": (
        "from shop import orders, zoo\n\nFEATURES = (orders, zoo)\n"
    ),
    "from . import home_app\n\nFEATURES: tuple[object, ...] = (home_app,)  # all\n": (
        "from . import home_app, orders\n\n"
        "FEATURES: tuple[object, ...] = (orders, home_app)  # all\n"
    ),
    "from shop import a, home_app\n\nFEATURES = [a, home_app]\n": (
        "from shop import a, home_app, orders\n\nFEATURES = [a, orders, home_app]\n"
    ),
    "from shop import (\n    a,  # one\n    # two\n    zoo,\n)\n\n"
    "FEATURES = (\n    a,  # one\n    # last\n    home_app,\n)\n": (
        "from shop import (\n    a,  # one\n    orders,\n    # two\n    zoo,\n)\n\n"
        "FEATURES = (\n    a,  # one\n    orders,\n    # last\n    home_app,\n)\n"
    ),
    f"from shop import {LONG}\n\nFEATURES = (\n{ON_LINES}\n)\n": (
        f"from shop import (\n{ON_LINES}\n    orders,\n)\n\n"
        f"FEATURES = (\n{BEFORE_LAST}\n)\n"
    ),
    "from shop import a10, a9\n\nFEATURES = (a9, a10)\n": (
        "from shop import a10, a9, orders\n\nFEATURES = (a9, orders, a10)\n"
    ),
    "from shop import home_app\r\n\r\nFEATURES = (home_app,)\r\n": (
        "from shop import home_app, orders\r\n\r\nFEATURES = (orders, home_app)\r\n"
    ),
}


@pytest.mark.parametrize(("source", "edited"), APPLICATIONS.items())
def test_the_feature_is_listed_as_ruff_would_write_it(source: str, edited: str) -> None:
    assert with_feature(source, "shop", "orders") == edited


@pytest.mark.parametrize(("source", "edited"), APPLICATIONS.items())
def test_taking_a_feature_out_leaves_what_was_there(source: str, edited: str) -> None:
    left = without_feature(edited, "shop", "orders")
    # What had to be wrapped stays so.
    assert ast.dump(ast.parse(left)) == ast.dump(ast.parse(source))
    if LONG not in source:
        assert left == source


@pytest.mark.parametrize(
    "source",
    [
        "import shop.home_app\n\nFEATURES = (shop.home_app,)\n",
        "from shop import home_app\n\nFEATURES = tuple([home_app])\n",
        "from shop import home_app\n\nFEATURES = (\n    home_app, zoo,\n)\n",
        "from shop import home_app\n\nFEATURES = ()\nFEATURES += (home_app,)\n",
        "from shop import home_app\n",
        "FEATURES = (home_app,)\n",
    ],
)
def test_what_cannot_be_edited_safely_is_told(source: str) -> None:
    with pytest.raises(UserError, match=r"from shop import one, .*FEATURES = \("):
        with_feature(source, "shop", "orders")


def test_a_feature_that_is_used_otherwise_is_not_taken_out() -> None:
    source = "from shop import orders\n\nFEATURES = (orders,)\nprint(orders)\n"
    with pytest.raises(UserError, match="uses orders elsewhere, too"):
        without_feature(source, "shop", "orders")


SETTINGS = """\
# All of them.

[default]
# The port.
PORT = 1

# --- orders ---
# The most.
MOST = 5
# Names.
NAMES = []
{after}
[development]
MOST = 9

[production]
PORT = 2
"""


@pytest.mark.parametrize("after", ["", "\n# --- zoo ---\n# Animals.\nANIMALS = 3\n"])
def test_a_features_settings_go_from_every_section(after: str) -> None:
    left = without_block(SETTINGS.format(after=after), "orders")
    assert left == (
        f"# All of them.\n\n[default]\n# The port.\nPORT = 1\n{after}\n"
        "[development]\n\n[production]\nPORT = 2\n"
    )


def test_settings_that_cannot_be_edited_safely_are_told() -> None:
    source = (
        "[default]\n# --- orders ---\nMOST = [\n  1,\n]\n\n[x]\nMOST = [\n  2,\n]\n"
    )
    with pytest.raises(UserError, match="take MOST out of it yourself"):
        without_block(source, "orders")


def test_what_many_features_came_and_went_from_is_as_it_was() -> None:
    source = "from shop import home_app\n\nFEATURES = (home_app,)\n"
    names = [f"a_rather_long_feature_{number}" for number in range(5)]
    edited = source
    for name in names:
        edited = with_feature(edited, "shop", name)
    assert edited.count("\n") > len(names)
    for name in reversed(names):
        edited = without_feature(edited, "shop", name)
    assert edited == source


def test_blanks_are_no_text(project: Project) -> None:
    written = rendering.files(plan(project, "orders", "title:text", "note:text?"))
    form = written["small_app/orders/forms.py"]
    assert '"Title", [DataRequired(), Length(' in form
    assert '"Note", [Optional(), Length(' in form
