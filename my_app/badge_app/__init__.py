"""Badges of counters."""

from my_app.badge_app import lane
from my_app.badge_app.views import badge_app
from quart_chassis.application import Application

__all__ = ["install"]


def install(app: Application) -> None:
    """Add the badges."""
    lane.install(app)
    app.register_blueprint(badge_app)
