"""A made project is whole: its own check and its own tests pass."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from boilerplate.rendering import demos_of
from tests.boilerplate.projects import new, ours

pytestmark = pytest.mark.slow
# Nothing of this run of the tests is meant for the other one.
OURS = ("PYTEST_", "COV", "QUART_CHASSIS_")


def run(project: Path, *words: str) -> str:
    """What a command of the project printed, which must do what it should."""
    ran = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=project,
        env={k: v for k, v in os.environ.items() if not k.startswith(OURS)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    return ran.stdout


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("zoo", []),
        ("a", []),
        ("thirty_letters_are_the_longest", []),
        ("Läden, alle (neu)/Corner Shop", []),
        ("counted", ["--with-demo"]),
        ("Aa", ["--package", "thirty_letters_are_the_longest", "--with-demo"]),
    ],
)
def test_a_made_project_passes_its_checks_and_tests(
    source: Path, tmp_path: Path, place: str, words: list[str]
) -> None:
    project = tmp_path / place
    project.parent.mkdir(exist_ok=True)
    made = new(source, str(project), *words)
    assert made.returncode == 0, made.stderr
    run(project, "check")
    print(run(project, "test"))


def test_the_demo_can_be_taken_out(source: Path, tmp_path: Path) -> None:
    project = tmp_path / "shop"
    made = new(source, str(project), "--with-demo")
    assert made.returncode == 0, made.stderr
    # What builds on another one goes first.
    for name in reversed(demos_of(ours())):
        told = run(project, "dropapp", name, "--yes")
        assert "still have the word" not in told
        run(project, "check")
        print(told, run(project, "test"))
