"""What two features both claim is refused at start, in one line that names both."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from quart import Blueprint
from small_app import notes_app

from quart_chassis.application import Application, create
from quart_chassis.commands import context
from quart_chassis.errors import UserError
from quart_chassis.web import Link
from tests.quart_chassis.small_project import SMALL

Install = Callable[[Application], None]


def nothing(_app: Application) -> None:
    """Install nothing."""


def feature(name: str, install: object = nothing, **named: object) -> ModuleType:
    made = ModuleType(f"small_app.{name}")
    vars(made).update(named, install=install)
    return made


def view() -> str:
    return ""


def serving(rule: str, blueprint: str, **options: object) -> Install:
    def install(app: Application) -> None:
        own = Blueprint(blueprint, __name__)
        own.add_url_rule(rule, "view", view, methods=["GET", "POST"])
        app.register_blueprint(own)

    return install


def refused(*parts: ModuleType) -> str:
    with pytest.raises(UserError) as raised:
        create("small_app", (notes_app, *parts))
    told = str(raised.value)
    assert "\n" not in told
    return told


def test_a_feature_that_is_listed_twice_is_named() -> None:
    assert "FEATURES names notes_app twice" in refused(notes_app)


@pytest.mark.parametrize("install", [None, "install"])
def test_a_feature_without_install_is_named(install: object) -> None:
    told = refused(feature("bare", install))
    assert "FEATURES names bare, which has no install(app)" in told


@pytest.mark.parametrize(
    ("rule", "route"),
    [
        ("/", "GET /"),
        ("/drafts/<int:id>", "GET /drafts/<int>"),
        ("/api/notes", "GET /api/notes"),
    ],
)
def test_a_route_that_two_features_have_is_named(rule: str, route: str) -> None:
    told = refused(feature("other", serving(rule, "other")))
    assert told.startswith(f"notes_app and other both have the route {route}; ")


def test_a_route_of_the_chassis_is_not_a_features() -> None:
    told = refused(feature("other", serving("/livez", "other")))
    assert told.startswith("quart_chassis and other both have the route GET /livez; ")


def test_two_rules_that_differ_are_two_routes() -> None:
    other = feature("other", serving("/drafts/<name>", "other"))
    app = create("small_app", (notes_app, other))
    assert "other.view" in app.view_functions


def test_a_blueprint_that_two_features_have_is_named() -> None:
    told = refused(feature("other", serving("/other", "notes_app")))
    assert told.startswith("notes_app and other both have the blueprint notes_app; ")


def test_a_navigation_entry_that_two_features_have_is_named() -> None:
    links = (Link("Notes", "notes_app.drafts"),)
    told = refused(feature("other", navigation=links))
    assert told.startswith("notes_app and other both have the navigation entry Notes; ")


def test_a_navigation_entry_that_leads_nowhere_is_named() -> None:
    links = (Link("Other", "other.home"),)
    told = refused(feature("other", navigation=links))
    assert "other links to the endpoint other.home, which has no address" in told


def test_a_setting_that_two_features_have_is_named() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Settings:
        LONGEST_NOTE: int

    told = refused(feature("other", Settings=Settings))
    assert told.startswith("notes_app and other both have the setting LONGEST_NOTE; ")


def test_a_command_that_two_features_have_is_named() -> None:
    other = feature("other", commands=notes_app.commands)
    with pytest.raises(UserError, match="notes_app and other both have the command"):
        context.own_commands([notes_app, other], SMALL)


def test_a_page_and_a_websocket_may_have_one_address() -> None:
    def install(app: Application) -> None:
        own = Blueprint("other", __name__)
        own.add_url_rule("/echo", "view", view)
        app.register_blueprint(own)

    app = create("small_app", (notes_app, feature("other", install)))
    assert {"other.view", "notes_app.echo"} <= app.view_functions.keys()


def test_a_websocket_that_two_features_have_is_named() -> None:
    def install(app: Application) -> None:
        own = Blueprint("other", __name__)
        own.websocket("/echo")(view)
        app.register_blueprint(own)

    told = refused(feature("other", install))
    assert told.startswith("notes_app and other both have the route WebSocket /echo; ")


def test_two_features_of_one_name_are_refused() -> None:
    assert "two features notes_app" in refused(feature("notes_app"))


def test_features_that_are_no_tuple_are_told() -> None:
    # A module, where a tuple is meant.
    parts: Any = notes_app
    with pytest.raises(UserError, match=r"write \(notes_app,\) instead"):
        create("small_app", parts)


def test_seeds_that_cannot_be_awaited_are_named() -> None:
    told = refused(feature("other", seeds=nothing))
    assert "other.seeds must be `async def seeds(connection)`" in told
