from pathlib import Path

from tests.quart_chassis.migrating import in_checkout
from tests.quart_chassis.small_project import PATHS

UNTIDY = "import sys\nimport os\nprint( os.name,sys.path )\n"
TIDY = "import os\nimport sys\n\nprint(os.name, sys.path)\n"


def test_what_can_be_mended_is_mended(checkout: Path) -> None:
    path = checkout / "untidy.py"
    path.write_text(UNTIDY)
    settings = checkout / "pyproject.toml"
    settings.write_text(
        settings.read_text("utf-8") + '[tool.ruff.lint]\nselect = ["F", "I"]\n', "utf-8"
    )
    ran = in_checkout(checkout, "", "format", **PATHS)
    assert ran.returncode == 0, ran.stdout
    assert path.read_text() == TIDY
    path.write_text("undefined\n")
    ran = in_checkout(checkout, "", "format", **PATHS)
    assert ran.returncode == 1
    assert "F821" in ran.stdout
