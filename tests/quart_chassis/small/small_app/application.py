"""The small application's factory."""

from quart_chassis.application import Application, create
from small_app import notes_app

FEATURES = (notes_app,)


def create_app(**config_overrides: object) -> Application:
    """A new application."""
    return create(__package__, FEATURES, **config_overrides)
