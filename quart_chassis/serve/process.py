"""The module that servers import: `uvicorn PACKAGE.asgi:app`."""

import gc
import sys
from collections.abc import Callable
from typing import Any

from quart_chassis.errors import UserError


def ready_to_serve(create_app: Callable[[], Any]) -> Any:
    """The application, made once in this process; a setting that is wrong ends it.

    What is loaded by now stays for ever, and garbage collection need not walk through
    it again and again: a quarter more requests a second. Nor need it look for cycles
    each 700 objects while many requests have thousands in use (docs/decisions.md).
    """
    try:
        app = create_app()
    except UserError as error:
        package = create_app.__module__.partition(".")[0]
        sys.exit(f"{package}: {error}")
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000)
    return app
