"""The small application in `small/`, and how its commands are run."""

import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path

from quart_chassis.testing.servers import ROOT, RunningServer, running

SMALL = Path(__file__).parent / "small"
# Programs started in SMALL find the chassis there.
PATHS = {"PYTHONPATH": str(ROOT)}


def command(*words: str) -> list[str]:
    """A command of the chassis; run it in SMALL, with PATHS in its environment."""
    return [sys.executable, "-m", "quart_chassis.commands", *words]


def serving(
    *words: str, measured: bool = False, **environment: str
) -> AbstractContextManager[RunningServer]:
    """The small application, served by `run` with these words on a free port."""
    started = command("run", "--port", "0", *words)
    return running(started, SMALL, measured, **PATHS, **environment)


def run(
    *words: str, typed: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """How a command of the small application ended, if somebody typed this to it."""
    return subprocess.run(
        command(*words),
        cwd=SMALL,
        env={**os.environ, **PATHS, **environment},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
