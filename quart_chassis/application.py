"""The application: Quart on the chassis, and the features that it is made of."""

from collections.abc import Iterable
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar, cast

import structlog
from quart import websocket
from sqlalchemy.ext.asyncio import AsyncEngine

from quart_chassis import features, settings
from quart_chassis.claims import CHASSIS, Claims
from quart_chassis.database import pool, replica
from quart_chassis.door import Door, Draining, behind_proxies
from quart_chassis.door.lanes import Lanes
from quart_chassis.observe import logs, tracing
from quart_chassis.observe.metrics import Metrics
from quart_chassis.project import Project
from quart_chassis.settings import Settings
from quart_chassis.web import (
    assets,
    configuration,
    cors,
    docs,
    errors,
    fast_lane,
    filled,
    limits,
    navigation,
    openapi,
    pending,
    ranges,
    reload,
    sign_in,
)
from quart_chassis.web.lean import LeanQuart
from quart_chassis.web.probes import probes
from quart_chassis.web.refusals import refuse
from quart_chassis.web.sessions import Sessions

if TYPE_CHECKING:
    from flask.sansio.blueprints import Blueprint
    from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

Kind = TypeVar("Kind")

log = structlog.stdlib.get_logger()


def create(
    package: str, parts: Iterable[ModuleType], **config_overrides: object
) -> "Application":
    """A new application of the features `parts`; no I/O happens before it serves.

    `package` is the application's own, whose folder has its templates and static files
    and lies beside `settings.toml`. `config_overrides` are settings by name; they rank
    above the environment and `settings.toml`. UserError names the first setting that is
    wrong, or two features that claim the same thing.
    """
    project = Project.of(package)
    parts = features.checked(parts)
    owners = features.settings_of(parts)
    loaded = settings.load(project, owners, **config_overrides)
    app = Application(project, loaded)
    app.install(parts)
    return app


class Application(LeanQuart):
    """Quart with settings, a database, and a door that every request passes."""

    def __init__(self, project: Project, loaded: settings.Loaded) -> None:
        self.project = project
        self._claims = Claims()
        self._installing = CHASSIS
        super().__init__(project.package)
        chosen: Settings = loaded[Settings]
        self.extensions |= {
            "settings": loaded,
            "metrics": Metrics(),
            "draining": Draining(),
        }
        # No empty line in a page where a template has a statement.
        self.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
        self.config.from_mapping(configuration.of(chosen))
        lanes = Lanes(tracing.traced(super().asgi_app))
        door = Door(
            lanes,
            partial(refuse, self),
            chosen,
            self.metrics,
            self.draining,
        )
        self._entry = behind_proxies(door, chosen)
        logs.configure(chosen)
        pool.install(self, chosen)
        replica.install(self, chosen)
        fast_lane.install(self, lanes, chosen)
        filled.install(self)
        assets.install(self)
        errors.install(self)
        limits.install(self)
        ranges.install(self)
        self.session_interface = Sessions()
        cors.install(self, chosen)
        openapi.install(self, project)
        docs.install(self)
        self.register_blueprint(probes)
        sign_in.install(self, chosen)
        reload.offer(self)
        if chosen.reloading:
            reload.install(self, self.draining)
            pending.install(self, chosen)

    def install(self, parts: tuple[ModuleType, ...]) -> None:
        """Have each feature add what it has; afterwards the application is complete."""
        for part in parts:
            self._installing = features.name_of(part)
            part.install(self)
        self._installing = "the application"
        production = self.settings(Settings).production
        navigation.install(self, features.links_of(parts), production)

    def settings(self, kind: type[Kind]) -> Kind:
        """The settings in force of the class `kind`: `Settings`, or a feature's own."""
        found: Kind = self.extensions["settings"][kind]
        return found

    @property
    def engine(self) -> AsyncEngine:
        """The database's engine."""
        return cast(AsyncEngine, self.extensions["engine"])

    @property
    def metrics(self) -> Metrics:
        """The instruments; features add their own."""
        return cast(Metrics, self.extensions["metrics"])

    @property
    def draining(self) -> Draining:
        """Whether this worker was told to stop."""
        return cast(Draining, self.extensions["draining"])

    def add_url_rule(
        self,
        rule: str,
        endpoint: str | None = None,
        view_func: Any = None,
        *arguments: Any,
        **options: Any,
    ) -> None:
        """As in Quart; UserError if another feature has the route or the endpoint."""
        methods = options.get("methods") or getattr(view_func, "methods", None)
        for route in features.routes_of(rule, methods or ["GET"], options):
            self._claims.claim("route", route, self._installing)
        if endpoint is not None:
            self._claims.claim("endpoint", endpoint, self._installing)
        if endpoint and assets.is_static(endpoint) and "<path:filename>" in rule:
            view_func = assets.by_content(endpoint, view_func)
        super().add_url_rule(rule, endpoint, view_func, *arguments, **options)

    def register_blueprint(self, blueprint: "Blueprint", **options: Any) -> None:
        """As in Quart, without the context processor that blueprints get from Flask.

        It finds nothing in Quart, and because it does not await, each page would wait
        for a thread (measured: 300 of 415 microseconds).
        """
        name = options.get("name", blueprint.name)
        self._claims.claim("blueprint", name, self._installing)
        super().register_blueprint(blueprint, **options)
        for found in self.template_context_processors.values():
            found[:] = [each for each in found if each.__module__ != "flask.templating"]

    async def startup(self) -> None:
        """As in Quart; logs why it fails, of which servers print the message only."""
        try:
            await super().startup()
        except Exception as error:
            self.extensions["failed"] = error
            log.exception("the application does not start")
            raise

    async def asgi_app(
        self, scope: "Scope", receive: "ASGIReceiveCallable", send: "ASGISendCallable"
    ) -> None:
        await self._entry(scope, receive, send)

    async def preprocess_request(self, *context: Any) -> Any:
        tracing.note_route(context[0].request)
        return await super().preprocess_request(*context)

    async def preprocess_websocket(self, *context: Any) -> Any:
        tracing.note_route(websocket)
        return await super().preprocess_websocket(*context)
