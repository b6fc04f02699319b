import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from quart_chassis.installation.venv import VERSION
from quart_chassis.testing.servers import ROOT
from quart_chassis.testing.waiting import HANG_SECONDS, until
from tests.quart_chassis.packages import make_index, make_wheel, pin

# What the door opens to, when all that is asked is where one came in.
COMMANDS = """
import json, sys
def needs_tools(words, root):
    return "test" in words
def stands_alone(words, root):
    return False
def parse(words, program):
    print("help for", program)
    sys.exit(0)
def main(words, program="manage.py", root=None):
    print(json.dumps([sys.prefix, words]))
    return 7
"""
# Packages that no other environment has.
PYPROJECT = """
[project]
dependencies = ["absent-package >=1", "windows-only ; sys_platform == 'win32'"]
[dependency-groups]
dev = [{ include-group = "run" }, "absent-tool"]
"""


class Door:
    """A checkout's manage.py, tried with no uv and an index that has two packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.venv = folder / ".venv"
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PIP_")
        }
        self.environment |= {"PATH": str(folder / "empty"), "HOME": str(folder)}
        # Whatever a machine's own pip.conf says.
        self.environment["PIP_NO_INDEX"] = "0"
        self.offer("absent-package", "absent-tool")

    def offer(self, *names: str, code: str = "") -> None:
        """Pin these packages, and let nothing else be had."""
        wheels = [make_wheel(self.folder, name, code=code) for name in names]
        index = make_index(self.folder / "index", wheels)
        self.environment["PIP_INDEX_URL"] = index
        for name, pinned in (("app", wheels[:1]), ("run", wheels[:1]), ("dev", wheels)):
            path = self.folder / "requirements" / f"{name}.txt"
            path.write_text("".join(map(pin, pinned)))

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
        out, err = process.communicate(timeout=HANG_SECONDS)
        return process.returncode, out, err


@pytest.fixture
def door(checkout: Path) -> Iterator[Door]:
    if not find_spec("ensurepip"):
        pytest.skip("no ensurepip (Debian: apt-get install python3-venv)")
    (checkout / "quart_chassis" / "commands" / "__init__.py").write_text(COMMANDS)
    (checkout / "pyproject.toml").write_text(PYPROJECT)
    yield Door(checkout)
    shutil.rmtree(checkout)


@pytest.mark.slow
def test_the_environment_is_made_once_and_again_when_it_must(door: Door) -> None:
    # Interrupted half-way, it is made anew; who comes meanwhile waits.
    first = door.start("run")
    until((door.venv / "pyvenv.cfg").exists)
    first.send_signal(signal.SIGINT)
    _, err = first.communicate(timeout=HANG_SECONDS)
    assert first.returncode == 130
    assert err.splitlines()[-1] == "manage.py: interrupted; the same command goes on"
    assert "Traceback" not in err

    both = [door.start("run", "--port", "1") for _ in range(2)]
    outputs = [process.communicate(timeout=HANG_SECONDS) for process in both]
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
    assert status == 7
    assert err.splitlines() == [
        "Installing requirements/dev.txt into .venv",
        "  1 of 2: absent-package",
        "  2 of 2: absent-tool",
        "  unpacking",
    ]
    assert door.open("run")[2] == ""


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_help_does_not_wait_for_an_installation(door: Door, words: list[str]) -> None:
    assert door.open(*words) == (0, "help for manage.py\n", "")
    assert not door.venv.exists()


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


@pytest.fixture
def another_tools(door: Door) -> Path:
    """The folder of packages in a `.venv` that was made by another tool."""
    command = [sys.executable, "-m", "venv", "--without-pip", str(door.venv)]
    subprocess.run(command, check=True)
    return next(door.venv.glob("lib/python*/site-packages"))


def put(packages: Path, name: str, version: str) -> None:
    info = packages / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )


def test_an_environment_of_another_tool_is_used_or_left_alone(
    door: Door, another_tools: Path
) -> None:
    assert door.open("run") == (
        1,
        "",
        "manage.py: .venv was made by another tool, and absent-package is missing; "
        "have that tool bring it up to date, or delete .venv\n",
    )
    assert (door.venv / "pyvenv.cfg").exists()
    put(another_tools, "absent_package", "1.0")
    status, out, err = door.open("run")
    assert (status, json.loads(out), err) == (7, [str(door.venv), ["run"]], "")


def test_packages_that_are_too_old_are_told(door: Door, another_tools: Path) -> None:
    (door.folder / "pyproject.toml").write_text(
        "[project]\ndependencies = ['quart[dotenv] >=99.9,<100']\n"
    )
    put(another_tools, "quart", "99.8.1")
    status, _, err = door.open("run")
    assert status == 1
    here, there = err.splitlines()
    assert here.startswith(f"In {sys.prefix} quart is at 0.")
    assert here.endswith(", and at least 99.9 is needed; .venv is used instead")
    assert "by another tool, and quart is at 99.8.1, and at least 99.9 is" in there


@pytest.mark.slow
def test_packages_that_cannot_be_imported_are_not_taken_for_ready(door: Door) -> None:
    door.offer("absent-package", code="raise ImportError('no libexample.so.2\\n')\n")
    status, _, err = door.open("run")
    assert status == 1
    assert err.splitlines()[0] == f"Making .venv for Python {VERSION}"
    assert err.splitlines()[-1] == (
        "manage.py: the packages in .venv cannot be used: absent-package cannot be "
        "imported (no libexample.so.2); see to the settings of pip and type the "
        "command again"
    )
    # So the next command makes it anew.
    assert json.loads((door.venv / "made-by-manage.json").read_text()) == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_environment_that_is_closed_to_this_user_is_told(
    door: Door, another_tools: Path
) -> None:
    for closed in (another_tools, door.venv / "bin", door.venv):
        mode = closed.stat().st_mode
        closed.chmod(0)
        status, _, err = door.open("run")
        closed.chmod(mode)
        assert status == 1
        assert len(err.splitlines()) == 1
        assert f"{closed}" in err
        assert "is closed to you" in err


def test_an_environment_that_cannot_be_started_is_told(
    door: Door, another_tools: Path
) -> None:
    python = door.venv / "bin" / "python"
    python.unlink()
    python.write_text("")
    python.chmod(0o755)
    status, _, err = door.open("run")
    assert status == 1
    assert len(err.splitlines()) == 1
    assert f"cannot start {python}: Exec format error; delete" in err


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


def test_what_stands_in_the_way_of_an_environment_is_told(door: Door) -> None:
    door.venv.write_text("a file, as some tools leave it\n")
    status, _, err = door.open("run")
    assert status == 1
    assert f"manage.py: cannot make {door.venv}: " in err.splitlines()[-1]
    (door.folder / ".venv.lock").unlink()
    (door.folder / ".venv.lock").mkdir()
    status, _, err = door.open("run")
    assert status == 1
    assert len(err.splitlines()) == 1
    assert "see to the folder's permissions" in err


def test_an_old_python_is_told_so() -> None:
    manage = ROOT / "manage.py"
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
