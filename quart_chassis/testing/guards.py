"""Policies about who may call a route, part of `policies`."""

from collections.abc import Iterator
from typing import Any

from quart.typing import TestClientProtocol

from quart_chassis.application import Application
from quart_chassis.door.origins import SAFE_METHODS
from quart_chassis.project import Project
from quart_chassis.testing.routes import KEY, LOCAL, TOKEN, ask, routes
from quart_chassis.web import policy_of

FOREIGN: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://other.example"},
    {"Sec-Fetch-Site": "same-site", "Origin": "https://blog.localhost"},
    {"Origin": "https://other.example"},
    {"Origin": "null"},
)


async def test_every_route_refuses_changes_from_another_origin(
    client: TestClientProtocol, app: Application, examples: dict[str, Any]
) -> None:
    for rule, path in routes(app, examples):
        for method in sorted((rule.methods or set()) - SAFE_METHODS):
            for headers in FOREIGN:
                answered = await ask(client, path, method, b"", **headers)
                assert answered.status_code == 403, (method, path, headers)


async def test_every_route_calls_for_who_may_call_it(
    project: Project, database: str, examples: dict[str, Any]
) -> None:
    """With `-s` it shows who may call each of them."""
    app = project.create_app(
        DATABASE_URL=database, ADMIN_TOKEN=TOKEN, LOG_LEVEL="ERROR", **LOCAL
    )
    guarded = list(_guarded(app, examples))
    print(*(f"{each[0]:9}{each[1]:7}{each[2]}" for each in guarded), sep="\n")
    async with app.test_app() as serving:
        client = serving.test_client()
        for policy, method, path in guarded:
            answered = await ask(client, path, method, Authorization="")
            refused = answered.status_code == 401
            assert refused == (policy != "everyone"), (method, path)


async def test_without_an_admin_token_guarded_routes_do_not_exist(
    project: Project, database: str, examples: dict[str, Any]
) -> None:
    app = project.create_app(
        DATABASE_URL=database, ENV_FOR_DYNACONF="production", **KEY, **LOCAL
    )
    async with app.test_app() as serving:
        client = serving.test_client()
        for policy, method, path in _guarded(app, examples):
            answered = await ask(client, path, method)
            assert policy == "everyone" or answered.status_code == 404, (method, path)


def _guarded(
    app: Application, examples: dict[str, Any]
) -> Iterator[tuple[str, str, str]]:
    """Who may call each route, its method, and its address."""
    for rule, path in sorted(routes(app, examples), key=lambda each: each[1]):
        policy = policy_of(app.view_functions[rule.endpoint])
        # Quart answers OPTIONS itself, and HEAD as GET.
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            yield policy, method, path
