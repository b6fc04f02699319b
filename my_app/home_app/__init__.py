"""Pages about the application itself."""

from my_app.home_app.views import home_app, start
from quart_chassis.application import Application
from quart_chassis.web import Link

navigation = (Link("Settings", "home_app.app_settings", in_production=False),)


def install(app: Application) -> None:
    """Add the pages; the start page only if no feature has `/` already."""
    if not any(rule.rule == "/" for rule in app.url_map.iter_rules()):
        app.add_url_rule("/", "home_app.start", start)
    app.register_blueprint(home_app)
