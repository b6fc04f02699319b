"""The small application for a server."""

import sys

from quart_chassis.commands import main
from quart_chassis.serve import ready_to_serve
from small_app.application import create_app

app = ready_to_serve(create_app)

if __name__ == "__main__":
    sys.exit(main(["run"]))
