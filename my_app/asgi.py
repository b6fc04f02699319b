"""The application for any ASGI server: `uvicorn my_app.asgi:app`."""

import gc
import sys

from my_app import UserError
from my_app.application import create_app

try:
    app = create_app()
except UserError as error:
    sys.exit(f"my_app: {error}")

# What is loaded by now stays for ever, and garbage collection need not walk through it
# again and again: a quarter more requests a second. Nor need it look for cycles each
# 700 objects while many requests have thousands in use (docs/decisions.md).
gc.collect()
gc.freeze()
gc.set_threshold(10_000)

if __name__ == "__main__":
    from my_app.cli import main

    sys.exit(main(["run"]))
