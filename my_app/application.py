"""The application factory."""

from typing import TYPE_CHECKING

from quart import Quart

from my_app import db, draining, errors, logs, openapi, settings
from my_app.counter_app import batching, cors, forgetting
from my_app.counter_app.api import counter_api
from my_app.counter_app.views import counter_app
from my_app.home_app.views import home_app

if TYPE_CHECKING:
    from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

LARGEST_BODY_BYTES = 16 * 1024
# Less than a stop takes, so that nobody who dawdles delays it.
BODY_SECONDS = 5


class Application(Quart):
    """Quart, with a line in the log for each request."""

    async def asgi_app(
        self, scope: "Scope", receive: "ASGIReceiveCallable", send: "ASGISendCallable"
    ) -> None:
        await logs.log_request(super().asgi_app, scope, receive, send)


def create_app(**config_overrides: object) -> Quart:
    """A new application; no I/O happens before it serves.

    `config_overrides` are settings by name; they rank above the environment and
    `settings.toml`. UserError names the first setting that is wrong.
    """
    app = Application(__name__)
    chosen = settings.load(**config_overrides)
    app.config.from_mapping(
        SECRET_KEY=chosen.SECRET_KEY,
        SECRET_KEY_FALLBACKS=list(chosen.SECRET_KEY_FALLBACKS),
        MAX_CONTENT_LENGTH=LARGEST_BODY_BYTES,
        BODY_TIMEOUT=BODY_SECONDS,
    )
    logs.configure(chosen)
    db.install(app, chosen)
    batching.install(app, chosen)
    forgetting.install(app)
    cors.install(app, chosen)
    app.register_blueprint(home_app)
    app.register_blueprint(counter_app)
    app.register_blueprint(counter_api)
    openapi.install(app)
    errors.install(app)
    draining.install(app)
    return app
