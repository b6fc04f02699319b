"""Keep the developer's settings and databases out of the tests.

Importing this module clears the environment, before anything reads it.
"""

import os
import tomllib
from pathlib import Path

SERVER_URL = os.environ.get("TEST_DATABASE_URL", "")
SETUP = os.environ.get("TEST_DATABASE_SETUP", "")


def clear(settings_file: Path) -> None:
    """Delete every variable that is a setting, or that PostgreSQL's clients read."""
    declared = tomllib.loads(settings_file.read_text("utf-8"))["default"]
    for variable in list(os.environ):
        plain = variable.removesuffix("_FILE")
        if plain in declared or variable.startswith("PG"):
            del os.environ[variable]
    os.environ["ENV_FOR_DYNACONF"] = "testing"


clear(Path(__file__).parents[2] / "settings.toml")
