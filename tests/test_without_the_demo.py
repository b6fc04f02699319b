"""The demo is taken out by the documented steps; what is left passes all its checks."""

import difflib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from quart_chassis.testing.servers import ROOT

DEMO = "counter_app"
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "*.pyc")
HIDDEN = (".github", ".gitignore", ".vscode", ".devcontainer", ".dockerignore")
MOST_CHANGED_LINES = 40


def take_out(project: Path) -> None:
    """The steps of docs/without-the-demo.md."""
    run(project, "dropapp", DEMO, "--yes")
    path = project / "README.md"
    mentions = rf"  {DEMO}/ .*\n|- \[docs/{DEMO}/.*\n(  .*\n)*"
    text, number = re.subn(mentions, "", path.read_text("utf-8"))
    assert number, f"nothing in README.md matches {mentions}"
    path.write_text(text, "utf-8")


def run(project: Path, *words: str) -> str:
    """What a command of the project printed."""
    # Nothing of this run of the tests is meant for the other one.
    ours = ("PYTEST_", "COV", "QUART_CHASSIS_", "ENV_FOR_DYNACONF", "DATABASE_URL")
    ran = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=project,
        env={k: v for k, v in os.environ.items() if not k.startswith(ours)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


def texts(project: Path) -> dict[str, list[str]]:
    """Every file outside the demo's folders, by its name."""
    found = {}
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project)
        if path.is_file() and DEMO not in name.parts:
            found[name.as_posix()] = path.read_text("latin-1").splitlines()
    return found


def changed(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    """The lines that were taken out or put in; a file that went counts as one."""
    lines = []
    for name, old in before.items():
        if name not in after:
            lines.append(f"- {name}")
            continue
        compared = difflib.unified_diff(old, after[name], lineterm="", n=0)
        lines += [
            f"{name}: {line}" for line in compared if re.match(r"[-+](?![-+]{2})", line)
        ]
    return lines


@pytest.mark.slow
def test_the_demo_can_be_taken_out(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(ROOT, project, ignore=LEFT_OUT)
    for name in HIDDEN:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, project / name)
    before = texts(project)
    take_out(project)
    lines = changed(before, texts(project))
    assert len(lines) <= MOST_CHANGED_LINES, "\n".join(lines)
    run(project, "check")
    print(*lines, run(project, "test"), sep="\n")
