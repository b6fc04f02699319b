"""An update that git refuses half-way, or that is stopped."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from quart_chassis.testing.servers import ROOT
from quart_chassis.testing.waiting import until
from tests.quart_chassis.updates.tiny import Boilerplate, Repository, update_command


@pytest.fixture
def newer(boilerplate: Boilerplate, project: Repository) -> Path:
    boilerplate.replace("my_app/home_app/views.py", "return 19", "return 1900")
    boilerplate.write({"my_app/home_app/more.py": "pass\n"})
    boilerplate.release("0.2.0", "- More.")
    return boilerplate.folder


def hook(project: Repository, script: str) -> None:
    """Have git run this before it commits."""
    path = project.folder / ".git" / "hooks" / "prepare-commit-msg"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def test_a_hook_that_fails_leaves_the_project_as_it_was(
    newer: Path, project: Repository
) -> None:
    hook(project, "echo 'error: not today' >&2; exit 1")
    before = project.git("rev-parse", "HEAD")
    ended = project.update(newer)
    assert ended.returncode == 1
    assert "git refused the commit: not today; nothing was changed" in ended.stderr
    assert project.git("rev-parse", "HEAD") == before
    assert project.git("status", "--porcelain") == ""
    hook(project, "exit 0")
    assert project.update(newer).returncode == 0


def test_a_signature_that_fails_leaves_the_project_as_it_was(
    newer: Path, project: Repository
) -> None:
    project.git("config", "commit.gpgSign", "true")
    project.git("config", "gpg.program", "false")
    ended = project.update(newer)
    assert ended.returncode == 1
    assert "git refused the commit: gpg failed to sign" in ended.stderr
    assert project.git("status", "--porcelain") == ""
    project.git("config", "commit.gpgSign", "false")
    assert project.update(newer).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are other things there")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_undoes_the_update(
    newer: Path, project: Repository, tmp_path: Path, number: signal.Signals
) -> None:
    reached, go_on = tmp_path / "reached", tmp_path / "go on"
    hook(project, f"touch {reached}; while [ ! -e '{go_on}' ]; do sleep 0.05; done")
    before = project.git("rev-parse", "HEAD")
    with start(project, newer) as update:
        until(reached.exists)
        os.killpg(update.pid, number)
        go_on.touch()
        assert update.wait() in (130, 143)
    assert project.git("rev-parse", "HEAD") == before
    assert project.git("status", "--porcelain") == ""
    hook(project, "exit 0")
    assert project.update(newer).returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are other things there")
def test_after_a_kill_the_next_update_tells_the_way_back(
    newer: Path, project: Repository, tmp_path: Path
) -> None:
    """Git itself is killed too, when the tree is written and the commit is not."""
    reached = tmp_path / "reached"
    hook(project, f"echo $PPID > {reached}; while :; do sleep 0.05; done")
    before = project.git("rev-parse", "HEAD")
    with start(project, newer) as update:
        until(lambda: reached.exists() and reached.read_text().strip() != "")
        os.kill(update.pid, signal.SIGKILL)
    os.killpg(int(reached.read_text()), signal.SIGKILL)
    told = project.update(newer).stderr
    assert "an update was killed half-way" in told
    assert f"git reset --hard {before}" in told
    lock = project.folder / ".git" / "index.lock"
    if f"delete {lock}" in told:
        lock.unlink()
    project.git("reset", "--hard", before)
    hook(project, "exit 0")
    assert project.update(newer).returncode == 0


def start(project: Repository, source: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        update_command(source),
        cwd=project.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
