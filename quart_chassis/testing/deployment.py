"""What the files for deploying name is really there; tests/containers runs them."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from quart_chassis import features
from quart_chassis.project import Project
from quart_chassis.settings import loading
from quart_chassis.testing.servers import ROOT

COMPOSE = sorted(ROOT.glob("*compose*.yml"))
DOCKERFILE = ROOT / "Dockerfile"
COPIED = re.compile(r"^COPY (?!--)(.+) \S+$", re.MULTILINE)
OF_OTHERS = {
    *("ENV_FOR_DYNACONF", "POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"),
    "WATCHFILES_FORCE_POLLING",
}
# The longest `run` takes to stop.
STOP_SECONDS = 9
compose = pytest.mark.skipif(not COMPOSE, reason="no compose here")
EDITOR = sorted(ROOT.glob(".vscode/*.json")) + sorted(ROOT.glob(".devcontainer/*.json"))


@compose
def test_variables_are_settings() -> None:
    named = set()
    for path in COMPOSE:
        named |= set(re.findall(r"^ +([A-Z_]+):", path.read_text("utf-8"), re.M))
    assert named
    owners = features.settings_of(features.features_of(Project.at(ROOT)))
    assert named - loading.declared(owners).keys() - OF_OTHERS == set()


@compose
def test_whoever_stops_a_server_waits_for_it() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    (seconds,) = re.findall(r"stop_grace_period: (\d+)s", text)
    assert int(seconds) > STOP_SECONDS


@pytest.mark.parametrize("path", EDITOR, ids=lambda path: path.name)
def test_the_editors_files_can_be_read(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    plain = "\n".join(line for line in lines if not line.lstrip().startswith("//"))
    assert isinstance(json.loads(plain), dict)


@pytest.mark.skipif(not DOCKERFILE.exists(), reason="no Dockerfile here")
def test_the_image_has_all_that_the_application_needs(tmp_path: Path) -> None:
    _, production = DOCKERFILE.read_text("utf-8").split(" AS production\n")
    for name in " ".join(COPIED.findall(production)).split():
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    shown = subprocess.run(
        [sys.executable, "manage.py", "routes"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert shown.returncode == 0, shown.stderr
    assert "/livez" in shown.stdout


@compose
def test_images_have_the_projects_name() -> None:
    texts = [path.read_text("utf-8") for path in COMPOSE]
    found = re.findall(r"image: (?:\S+/)?([a-z0-9-]+):(\S+)", "".join(texts))
    ours = {name for name, _ in found if name != "postgres"}
    assert ours == {Project.at(ROOT).name}
