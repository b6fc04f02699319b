"""The application for any ASGI server: `uvicorn my_app.asgi:app`."""

import sys

from my_app import UserError
from my_app.application import create_app

try:
    app = create_app()
except UserError as error:
    sys.exit(f"my_app: {error}")

if __name__ == "__main__":
    from my_app.cli import main

    sys.exit(main(["run"]))
