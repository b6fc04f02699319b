"""What any application is held to: its routes, tables, migrations and description.

`from quart_chassis.settings import Settings
from quart_chassis.testing.policies import *` in a module of an application's tests has
pytest find them. They walk what the application has and know nothing by name. Where a
route's argument must have a shape of its own, write an example of it in that module:
`EXAMPLES = {"order": "2024-17"}`.
"""

from typing import Any

import pytest
from openapi_spec_validator import validate
from quart import request, url_for
from quart.typing import TestClientProtocol

from quart_chassis.application import Application
from quart_chassis.database import engines, revisions
from quart_chassis.door.headers import HEADERS, STRICT_TRANSPORT_SECURITY
from quart_chassis.features import load_settings
from quart_chassis.project import Project
from quart_chassis.settings import Settings
from quart_chassis.testing import steps
from quart_chassis.testing.front_doors import (
    test_features_use_of_each_other_what_is_handed_out,
)
from quart_chassis.testing.guards import (
    test_every_route_calls_for_who_may_call_it,
    test_every_route_refuses_changes_from_another_origin,
    test_without_an_admin_token_guarded_routes_do_not_exist,
)
from quart_chassis.testing.prefixes import test_everything_stays_below_a_path_prefix
from quart_chassis.testing.routes import KEY, LOCAL, TOKEN, ask, routes, static_files
from quart_chassis.testing.schemas import schema_of
from quart_chassis.web.assets import FOREVER
from quart_chassis.web.limits import limit_of

__all__ = [
    "examples",
    "test_each_migration_can_be_undone_and_done_again",
    "test_every_body_is_bounded",
    "test_every_route_calls_for_who_may_call_it",
    "test_every_route_names_its_methods",
    "test_every_route_refuses_changes_from_another_origin",
    "test_every_route_sends_the_security_headers",
    "test_everything_stays_below_a_path_prefix",
    "test_features_use_of_each_other_what_is_handed_out",
    "test_static_files_are_named_by_their_content",
    "test_tables_and_migrations_agree",
    "test_the_description_of_the_api_is_valid",
    "test_without_an_admin_token_guarded_routes_do_not_exist",
]

CONTENT_TYPES = (
    "application/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
)


@pytest.fixture
def examples(request: pytest.FixtureRequest) -> dict[str, Any]:
    """An example for each argument's name that needs one."""
    found: dict[str, Any] = getattr(request.module, "EXAMPLES", {})
    return found


@pytest.mark.parametrize("environment", ["testing", "production"])
async def test_every_route_sends_the_security_headers(
    project: Project, database: str, examples: dict[str, Any], environment: str
) -> None:
    app = project.create_app(
        DATABASE_URL=database, ENV_FOR_DYNACONF=environment, **KEY, **LOCAL
    )
    async with app.test_app() as serving:
        client = serving.test_client()
        for rule, path in routes(app, examples):
            for method in sorted(rule.methods or ()):
                answered = await ask(client, path, method)
                assert answered.headers is not None
                for name in HEADERS:
                    (value,) = answered.headers.getlist(name)
                    assert value, (method, path, name)
                policy = answered.headers["Content-Security-Policy"]
                for word in ("unsafe", "//", "*"):
                    assert word not in policy, (method, path)
                sent = answered.headers.get("Strict-Transport-Security")
                production = environment == "production"
                assert sent == (STRICT_TRANSPORT_SECURITY if production else None)


async def test_every_route_names_its_methods(
    client: TestClientProtocol, app: Application, examples: dict[str, Any]
) -> None:
    for rule, path in routes(app, examples):
        answered = await ask(client, path, "PROPFIND")
        assert answered.status_code == 405, path
        assert answered.headers is not None
        allowed = set(answered.headers["Allow"].split(", "))
        assert (rule.methods or set()) <= allowed, path


async def test_every_body_is_bounded(
    project: Project, database: str, examples: dict[str, Any]
) -> None:
    """A route that does not read its body answers as if there were none."""
    app: Application = project.create_app(
        DATABASE_URL=database, ADMIN_TOKEN=TOKEN, **LOCAL
    )
    bounds: set[int | None] = set()

    @app.before_request
    async def note_bound() -> None:
        bounds.add(request.max_content_length)

    async with app.test_app() as serving:
        client = serving.test_client()
        for rule, path in routes(app, examples):
            own = limit_of(app.view_functions[rule.endpoint])
            limit: int = own or app.settings(Settings).BODY_LIMIT_BYTES
            large = b" " * (limit + 1)
            for method in sorted((rule.methods or set()) & {"POST", "PUT", "PATCH"}):
                without = await ask(client, path, method)
                for kind in CONTENT_TYPES:
                    headers = {"Content-Type": kind, "Content-Length": str(len(large))}
                    answered = await ask(client, path, method, large, **headers)
                    # What a request without a body deleted is not there any more.
                    unread = answered.status_code in {without.status_code, 404}
                    assert answered.status_code == 413 or unread, (method, path, kind)
            assert bounds <= {limit}, path
            bounds.clear()


async def test_static_files_are_named_by_their_content(app: Application) -> None:
    async with app.test_app() as serving:
        client = serving.test_client()
        for endpoint, name in static_files(app):
            async with app.test_request_context("/"):
                address = url_for(endpoint, filename=name)
            response = await client.get(address)
            assert response.status_code == 200, address
            assert response.headers["Cache-Control"] == FOREVER, address


async def test_each_migration_can_be_undone_and_done_again(
    project: Project, empty_database: str
) -> None:
    chosen = load_settings(project, DATABASE_URL=empty_database)
    engine = engines.make_migration_engine(chosen)
    before = schema_of(empty_database)
    for script in revisions.oldest_first(project):
        async with engine.connect() as connection:
            await connection.run_sync(steps.do, project, script)
            after = schema_of(empty_database)
            await connection.run_sync(steps.undo, project, script)
            assert schema_of(empty_database) == before, script.path
            await connection.run_sync(steps.do, project, script)
            assert schema_of(empty_database) == after, script.path
        before = after
    await engine.dispose()


async def test_tables_and_migrations_agree(
    project: Project, database: str, empty_database: str
) -> None:
    """If they differ, makemigration writes down how."""
    chosen = load_settings(project, DATABASE_URL=empty_database)
    engine = engines.make_migration_engine(chosen)
    async with engine.begin() as connection:
        await connection.run_sync(project.metadata().create_all)
    await engine.dispose()
    assert schema_of(database) == schema_of(empty_database)


async def test_the_description_of_the_api_is_valid(client: TestClientProtocol) -> None:
    validate(await (await client.get("/openapi.json")).get_json())
