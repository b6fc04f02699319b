"""Counters: a page that counts its visits, and an API.

`__all__` is what other features may use of it.
"""

from my_app.counter_app import (
    counting,
    days,
    forgetting,
    history,
    lane,
    live,
    names,
    queries,
    robots,
    sightings,
    tables,
    visits,
)
from my_app.counter_app.api import counter_api, describe
from my_app.counter_app.settings import LARGEST_VALUE
from my_app.counter_app.settings import (
    CounterSettings as Settings,
)
from my_app.counter_app.views import counter_app
from quart_chassis.application import Application
from quart_chassis.web import Link

__all__ = [
    "LARGEST_VALUE",
    "Settings",
    "counting",
    # It adds its route to the API as soon as it is imported.
    "days",
    "history",
    "install",
    "lane",
    "names",
    "navigation",
    "queries",
    "robots",
    "tables",
    "visits",
]

navigation = (Link("Counter", "counter_app.home"),)


def install(app: Application) -> None:
    """Add the pages, the API and the tasks that run while `app` serves."""
    counting.install(app)
    forgetting.install(app)
    live.install(app)
    robots.install(app)
    sightings.install(app)
    lane.install(app)
    app.register_blueprint(counter_app)
    app.register_blueprint(counter_api)
    describe(app)
