"""The application for servers that import it: `uvicorn PACKAGE.asgi:app`."""

import gc
import sys
from collections.abc import Callable
from typing import Any

from quart_chassis.errors import UserError
from quart_chassis.serve import stopping
from quart_chassis.settings import Settings


def ready_to_serve(create_app: Callable[[], Any]) -> Any:
    """The application, made once per process; UserError ends the process.

    Garbage collection skips the objects loaded by now, which stay for ever: a quarter
    more requests a second. It runs every 10,000 objects instead of 700, because many
    requests have thousands in use (docs/decisions.md).
    """
    try:
        app = create_app()
        if app.settings(Settings).reloading:
            # A developer who waits for a reload has no callers to drain.
            stopping.install(app, seconds=0)
        else:
            stopping.install(app)
    except UserError as error:
        package = create_app.__module__.partition(".")[0]
        sys.exit(f"{package}: {error}")
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)
    return app
