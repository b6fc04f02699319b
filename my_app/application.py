"""The application factory."""

from typing import TYPE_CHECKING, Any

from quart import Quart
from werkzeug.exceptions import BadHost

from my_app import (
    assets,
    db,
    draining,
    errors,
    logs,
    metrics,
    openapi,
    security,
    settings,
    tracing,
)
from my_app.counter_app import batching, cors, forgetting, live
from my_app.counter_app.api import counter_api
from my_app.counter_app.live import counter_live
from my_app.counter_app.views import counter_app
from my_app.home_app.views import home_app
from my_app.metrics import Metrics

if TYPE_CHECKING:
    from flask.sansio.blueprints import Blueprint
    from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope
    from quart.wrappers import BaseRequestWebsocket

LARGEST_BODY_BYTES = 16 * 1024
# Less than a stop takes, so that nobody who dawdles delays it.
BODY_SECONDS = 5


class Application(Quart):
    """Quart behind proxies, with a line in the log for each request."""

    def __init__(self, name: str, chosen: settings.Settings) -> None:
        super().__init__(name)
        # No empty line in a page where a template has a statement.
        self.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
        self.extensions["metrics"] = Metrics()
        answer = tracing.traced(super().asgi_app)
        self._answer = security.behind_proxies(answer, chosen)

    def create_url_adapter(self, request: "BaseRequestWebsocket | None") -> Any:
        """As Quart's; a `Host` that no address can be made of is the same as none.

        It would raise before `security.py` can answer 400.
        """
        try:
            return super().create_url_adapter(request)
        except BadHost:
            assert request is not None
            request.headers["Host"] = request.host = ""
            return super().create_url_adapter(request)

    def register_blueprint(self, blueprint: "Blueprint", **options: Any) -> None:
        """As Quart's, without the context processor a blueprint inherits from Flask.

        It finds nothing in Quart, and as it does not await, each page would wait for a
        thread (measured: 300 of 415 microseconds).
        """
        super().register_blueprint(blueprint, **options)
        for found in self.template_context_processors.values():
            found[:] = [each for each in found if each.__module__ != "flask.templating"]

    async def asgi_app(
        self, scope: "Scope", receive: "ASGIReceiveCallable", send: "ASGISendCallable"
    ) -> None:
        answered = self.extensions["metrics"].answered
        await logs.log_request(self._answer, scope, receive, send, answered)


def create_app(**config_overrides: object) -> Quart:
    """A new application; no I/O happens before it serves.

    `config_overrides` are settings by name; they rank above the environment and
    `settings.toml`. UserError names the first setting that is wrong.
    """
    chosen = settings.load(**config_overrides)
    app = Application(__name__, chosen)
    app.config.from_mapping(
        ENV_FOR_DYNACONF=chosen.ENV_FOR_DYNACONF,
        SECRET_KEY=chosen.SECRET_KEY,
        SECRET_KEY_FALLBACKS=list(chosen.SECRET_KEY_FALLBACKS),
        MAX_CONTENT_LENGTH=LARGEST_BODY_BYTES,
        BODY_TIMEOUT=BODY_SECONDS,
    )
    logs.configure(chosen)
    db.install(app, chosen)
    metrics.install(app, chosen)
    tracing.install(app)
    security.install(app, chosen)
    assets.install(app)
    batching.install(app, chosen)
    forgetting.install(app)
    live.install(app, chosen)
    cors.install(app, chosen)
    app.register_blueprint(home_app)
    app.register_blueprint(counter_app)
    app.register_blueprint(counter_api)
    app.register_blueprint(counter_live)
    openapi.install(app)
    errors.install(app)
    draining.install(app)
    return app
