"""Pages about counters: all of them, and each with its history."""

from my_app.stats_app.views import stats_app
from quart_chassis.application import Application
from quart_chassis.web import Link

__all__ = ["install", "navigation"]

navigation = (Link("Counters", "stats_app.counters"),)


def install(app: Application) -> None:
    """Add the pages."""
    app.register_blueprint(stats_app)
