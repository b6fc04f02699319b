import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.waiting import until

# What the door opens to, when all that is asked is where one came in.
COMMANDS = """
import argparse, json, sys
def parse(words, program="manage.py"):
    return argparse.Namespace(tools="test" in words)
def main(words, program="manage.py"):
    print(json.dumps([sys.prefix, words]))
    return 7
"""
# Something pip need not fetch, and that no environment has.
PYPROJECT = """
[project]
dependencies = ["absent-package >=1", "windows-only ; sys_platform == 'win32'"]
[dependency-groups]
dev = [{ include-group = "run" }, "absent-tool"]
"""


class Door:
    """A checkout's manage.py, tried with no network and no uv."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.venv = folder / ".venv"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PIP_")
        }
        self.environment |= {"PATH": "/usr/bin:/bin", "PIP_NO_INDEX": "1"}

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def open(self, *words: str) -> tuple[int, str, str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err


@pytest.fixture
def door(checkout: Path) -> Iterator[Door]:
    (checkout / "my_app" / "cli.py").write_text(COMMANDS)
    (checkout / "pyproject.toml").write_text(PYPROJECT)
    for name in ("run", "dev"):
        (checkout / "requirements" / f"{name}.txt").write_text("# nothing\n")
    yield Door(checkout)
    shutil.rmtree(checkout)


def test_the_environment_is_made_once_and_again_when_it_must(door: Door) -> None:
    # Interrupted half-way, it is made anew; who comes meanwhile waits.
    first = door.start("run")
    until((door.venv / "pyvenv.cfg").exists)
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=60)
    assert first.returncode == 130
    assert err.splitlines()[-1] == "manage.py: interrupted; the same command goes on"
    assert "Traceback" not in err

    both = [door.start("run", "--port", "1") for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [7, 7]
    there = json.dumps([str(door.venv), ["run", "--port", "1"]]) + "\n"
    assert [out for out, _ in outputs] == [there, there]
    told = "".join(err for _, err in outputs)
    assert told.count("Making .venv for Python") == 1
    assert told.count("Installing requirements/run.txt") == 1
    assert told.count("Waiting for another process that makes .venv") == 1

    # Then it is used in silence, and gets the tools when they are needed.
    assert door.open("run", "--port", "1") == (7, there, "")
    status, _, err = door.open("test")
    assert (status, err) == (7, "Installing requirements/dev.txt into .venv\n")
    assert door.open("run")[2] == ""


@pytest.mark.slow
def test_other_requirements_make_another_environment(door: Door) -> None:
    assert door.open("run")[0] == 7
    stale = door.venv / "stale"
    stale.touch()
    (door.folder / "requirements" / "run.txt").write_text(
        f"absent-package==1.0 --hash=sha256:{'0' * 64}\n"
    )
    status, _, err = door.open("run")
    assert status == 1
    assert "Making .venv" in err
    assert not stale.exists()
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("manage.py: pip could not install run.txt")


def test_an_environment_that_has_the_dependencies_is_used_as_it_is(
    door: Door,
) -> None:
    (door.folder / "pyproject.toml").write_text(
        "[project]\ndependencies = ['quart >=0.22', 'sqlalchemy[asyncio] >=2']\n"
        "[dependency-groups]\ndev = ['pytest >=9']\n"
    )
    for command in ("run", "test"):
        status, out, err = door.open(command)
        assert (status, err) == (7, "")
        assert json.loads(out) == [sys.prefix, [command]]
    assert not door.venv.exists()


def test_an_environment_of_another_tool_is_used_or_left_alone(door: Door) -> None:
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", door.venv], check=True
    )
    status, _, err = door.open("run")
    assert status == 1
    assert err.startswith("manage.py: .venv was made by another tool")
    assert len(err.splitlines()) == 1
    assert (door.venv / "pyvenv.cfg").exists()

    site = next(door.venv.glob("lib/python*/site-packages"))
    (site / "absent_package-1.0.dist-info").mkdir()
    (site / "absent_package-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: absent-package\nVersion: 1.0\n"
    )
    status, out, err = door.open("run")
    assert (status, json.loads(out), err) == (7, [str(door.venv), ["run"]], "")


def test_a_python_without_venv_or_pip_is_told_what_to_install(door: Door) -> None:
    (door.folder / "sitecustomize.py").write_text(
        "import sys; sys.modules['ensurepip'] = None\n"
    )
    door.environment["PYTHONPATH"] = str(door.folder)
    status, _, err = door.open("run")
    assert status == 1
    assert len(err.splitlines()) == 1
    assert "apt install python3-venv" in err
    assert not door.venv.exists()


def test_a_folder_that_cannot_be_written_is_told(door: Door) -> None:
    (door.folder / ".venv.lock").mkdir()
    status, _, err = door.open("run")
    assert status == 1
    assert len(err.splitlines()) == 1
    assert "see to the folder's permissions" in err


def test_an_old_python_is_told_so() -> None:
    manage = Path(__file__).parent.parent / "manage.py"
    told = subprocess.run(
        [
            *(sys.executable, "-c"),
            "import sys, runpy; sys.version_info = (3, 9, 1);"
            f"runpy.run_path({str(manage)!r})",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 1
    assert told.stderr.startswith("manage.py: this is Python 3.9, and 3.11 or newer")
