"""For ASGI servers: `uvicorn my_app.asgi:app` serves it."""

import sys

from my_app.application import create_app
from quart_chassis.commands import main
from quart_chassis.serve import ready_to_serve

app = ready_to_serve(create_app)

if __name__ == "__main__":
    sys.exit(main(["run"]))
