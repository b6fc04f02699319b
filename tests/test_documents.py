"""The documents name commands and settings that there are, and all commands."""

import re
from pathlib import Path

import pytest

from quart_chassis import commands, features
from quart_chassis.commands import context
from quart_chassis.project import Project
from quart_chassis.settings import loading
from quart_chassis.testing.servers import ROOT

PATHS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
# Written like settings, but somebody else's.
NOT_SETTINGS = {
    *(
        "ENV_FOR_DYNACONF",
        "ENV_FILE",
        "TEST_DATABASE_URL",
        "TEST_DATABASE_SETUP",
        "CI",
        "PATH",
        "FEATURES",
    ),
    *("COMMIT", "GET", "NOTIFY", "TCP_USER_TIMEOUT", "EXAMPLES"),
    *("PROMETHEUS_MULTIPROC_DIR", "OTEL_SPAN_LINK_COUNT_LIMIT"),
    "WATCHFILES_FORCE_POLLING",
}


def text() -> str:
    return "\n".join(path.read_text("utf-8") for path in PATHS)


def test_every_command_is_documented_and_no_other() -> None:
    named = set(re.findall(r"manage\.py ([a-z]+)", text()))
    of_features = context.own_commands(features.features_of(Project.at(ROOT)), ROOT)
    assert named == {*commands.names(ROOT), *map(commands.typed, of_features)}


def test_the_documents_name_no_setting_that_there_is_not() -> None:
    hints = loading.declared(
        features.settings_of(features.features_of(Project.at(ROOT)))
    )
    files = {f"{name}_FILE" for name in loading.files_for(hints)}
    # Words in backquotes that look like a setting.
    named = set(re.findall(r"`([A-Z][A-Z_]+[A-Z])(?:=[^`]*)?`", text()))
    assert named - hints.keys() - files - NOT_SETTINGS == set()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_links_lead_to_files(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target
