"""What all of them share: the statement, the page, and `gc.freeze`."""

import gc
import os

URL = os.environ.get("DATABASE_URL", "")
POOL_SIZE = int(os.environ.get("POOL_SIZE", "10"))
# One statement, so that PostgreSQL adds.
UPSERT = (
    "INSERT INTO counters (name, value) VALUES ('home', 1) ON CONFLICT (name) "
    "DO UPDATE SET value = counters.value + 1, updated_at = now() RETURNING value"
)
STATIC = "<!doctype html><title>Visits</title><h1>A page</h1>"


def page(value: int) -> str:
    """The page that shows how often it was visited."""
    return f"<!doctype html><title>Visits</title><h1>{value} visits</h1>"


def freeze() -> None:
    """Have garbage collection skip what was loaded, if FREEZE says so."""
    if os.environ.get("FREEZE") == "1":
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000)
