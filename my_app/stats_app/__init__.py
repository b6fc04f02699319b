"""Pages about counters, and all of them as a file: export and import."""

from my_app.stats_app import exportcounters, importcounters
from my_app.stats_app.api import transfer_api
from my_app.stats_app.views import stats_app
from quart_chassis.application import Application
from quart_chassis.web import Link

__all__ = ["commands", "install", "navigation"]

commands = (exportcounters, importcounters)
navigation = (Link("Counters", "stats_app.counters"),)


def install(app: Application) -> None:
    """Add the pages, the export and the import."""
    app.register_blueprint(stats_app)
    app.register_blueprint(transfer_api)
