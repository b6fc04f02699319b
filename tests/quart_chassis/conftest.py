"""What the chassis' own tests need besides the plugin."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from quart_chassis.locks import locked
from quart_chassis.postgres import embedded
from quart_chassis.project import Project
from quart_chassis.testing.postgres import lend_programs, run_folder, scratch
from quart_chassis.testing.servers import ROOT
from tests.quart_chassis.small_project import SMALL

if sys.platform == "win32":
    # About signals, sockets in folders, and accounts, which are other things there.
    collect_ignore = [
        *(
            "test_damaged_folder.py",
            "test_debugger.py",
            "test_draining.py",
            "test_embedded.py",
            "test_lacking_machine.py",
            "test_manage.py",
            "test_run.py",
        ),
    ]


# Its package is found there, here and in the programs that tests start.
sys.path.insert(0, str(SMALL))


@pytest.fixture(scope="session")
def project() -> Project:
    """The small application: no change to the user's own can break these tests."""
    return Project.at(SMALL)


@pytest.fixture(scope="session")
def seed() -> Path:
    """A folder with a database in it that nobody uses, to be copied.

    The first process that asks makes it for all processes of this run.
    """
    folder = run_folder() / "seed"
    with locked(run_folder() / "seed.lock", lambda: None):
        if not folder.exists():
            lend_programs(folder)
            with embedded.serving(folder, "app", print):
                pass
    return folder


@pytest.fixture
def folder(new_folder: Path, seed: Path) -> Path:
    """A folder whose database was made before; making one takes a second."""
    subprocess.run(["cp", "-a", seed, new_folder], check=True)
    return new_folder


@pytest.fixture
def new_folder() -> Iterator[Path]:
    """A place for a database that root's unprivileged account may enter."""
    with_spaces = scratch() / f"small app tést {os.getpid()}"
    yield with_spaces
    if (with_spaces / "door").exists():
        embedded.discard(with_spaces)
    shutil.rmtree(with_spaces, ignore_errors=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The small application as a checkout, to be broken; bytecode goes along."""
    copy = tmp_path / "checkout"
    # Bytecode that another process is just writing is gone in a moment.
    ignored = shutil.ignore_patterns("*.pyc.*", ".postgres")
    shutil.copytree(SMALL, copy, ignore=ignored)
    for name in ("quart_chassis", "requirements"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    shutil.copy(ROOT / "manage.py", copy)
    return copy
