"""The application factory, and the features of the application."""

from my_app import badge_app, counter_app, home_app, stats_app
from quart_chassis.application import Application, create

# The order in which they are installed and their links are shown. home_app is last: it
# has a page at `/` only if no feature before it has one.
FEATURES = (counter_app, badge_app, stats_app, home_app)


def create_app(**config_overrides: object) -> Application:
    """A new application; no I/O happens before it serves.

    `config_overrides` are settings by name; they override the environment and
    `settings.toml`. UserError says what is wrong with a setting or a feature.
    """
    return create(__package__, FEATURES, **config_overrides)
