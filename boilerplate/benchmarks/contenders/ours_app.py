"""Our application as it is served; LANES=off leaves out its fast lanes."""

import os

from my_app.application import create_app
from quart_chassis.serve import ready_to_serve


def create():
    made = create_app()
    if os.environ.get("LANES") == "off":
        made.extensions["fast_lanes"].clear()
    return made


app = ready_to_serve(create)
