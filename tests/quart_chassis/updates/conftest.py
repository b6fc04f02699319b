"""A boilerplate, and a project made from it."""

from pathlib import Path

import pytest

from tests.quart_chassis.updates.tiny import Boilerplate, Repository


@pytest.fixture(autouse=True)
def plain_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of the machine's user: a name, a signature, another merge."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)


@pytest.fixture
def boilerplate(tmp_path: Path) -> Boilerplate:
    return Boilerplate(tmp_path / "boilerplate")


@pytest.fixture
def project(boilerplate: Boilerplate, tmp_path: Path) -> Repository:
    return boilerplate.new(tmp_path / "shop")
