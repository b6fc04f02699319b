"""Pins in an update: of both sides, compiled anew, never in conflict."""

from pathlib import Path

import pytest

from quart_chassis.updating import pins
from tests.quart_chassis.packages import make_index, make_wheel
from tests.quart_chassis.updates.tiny import PIN, Boilerplate, Repository

MARKED = "a==2 ; sys_platform == 'win32' \\\n    --hash=x\n    # via b\n"


@pytest.fixture
def index(tmp_path: Path) -> dict[str, str]:
    """Variables for uv, which then has these packages and no others."""
    wheels = [
        make_wheel(tmp_path, name, version)
        for name in ("base-package", "own-package", "new-package")
        for version in ("1.0", "1.1")
    ]
    address = make_index(tmp_path / "index", wheels)
    cache = str(tmp_path / "cache")
    return {"UV_DEFAULT_INDEX": address, "UV_CACHE_DIR": cache, "UV_OFFLINE": "0"}


def add(repository: Repository, requirement: str) -> None:
    old = '    "base-package >=1",\n'
    repository.replace("pyproject.toml", old, f'{old}    "{requirement}",\n')


def upgrade(boilerplate: Boilerplate) -> None:
    """A release with a newer pin of what it had, and a new package."""
    newer = PIN.format("1" * 64).replace("==1.0", "==1.1")
    more = newer.replace("base-package==1.1", "new-package==1.0")
    names = ("app", "run", "tracing", "dev")
    boilerplate.write({f"requirements/{name}.txt": newer + more for name in names})
    add(boilerplate, "new-package")
    boilerplate.release("0.2.0", "- New pins.")


def pinned(project: Repository) -> list[str]:
    lines = project.text("requirements/app.txt").splitlines()
    return [line.rstrip(" \\") for line in lines if "==" in line]


def test_pins_are_the_newer_versions_and_the_projects_own() -> None:
    theirs = "# head\na==2 \\\n    --hash=y\nc==3\n"
    ours = "A==1 \\\n    --hash=z\n" + MARKED + "b==7 \\\n    --hash=w\n    # via us\n"
    assert pins.merged(ours, theirs) == (
        "# head\na==2 \\\n    --hash=y\nb==7 \\\n    --hash=w\n    # via us\nc==3\n"
    )
    assert pins.merged("a==1\n", MARKED + "a==3 ; sys_platform != 'win32'\n") == (
        MARKED + "a==3 ; sys_platform != 'win32'\n"
    )


def test_a_projects_package_stays_and_everything_is_compiled_anew(
    boilerplate: Boilerplate, project: Repository, index: dict[str, str]
) -> None:
    add(project, "own-package ==1.0")
    own = PIN.format("2" * 64).replace("base", "own")
    project.write({"requirements/app.txt": PIN.format("0" * 64) + own})
    project.commit()
    upgrade(boilerplate)
    # Both have put a line in one place, so this conflicts as in any merge.
    project.replace("pyproject.toml", '    "own-package ==1.0",\n', "")
    project.replace(
        "pyproject.toml", '[\n    "base', '[\n    "own-package ==1.0",\n    "base'
    )
    project.commit()
    ended = project.update(boilerplate.folder, **index)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "manage.py lock" not in ended.stdout
    assert pinned(project) == [
        *("base-package==1.1", "new-package==1.0", "own-package==1.0"),
    ]
    text = project.text("requirements/app.txt")
    assert "# via shop (pyproject.toml)" in text
    assert "0" * 64 not in text
    assert project.git("status", "--porcelain") == ""


def test_without_the_network_the_update_stands_and_says_what_to_type(
    boilerplate: Boilerplate, project: Repository, index: dict[str, str]
) -> None:
    project.replace("pyproject.toml", "base-package >=1", "own-package")
    project.write({"requirements/app.txt": PIN.format("2" * 64).replace("base", "own")})
    project.commit()
    boilerplate.write({"requirements/app.txt": PIN.format("1" * 64)})
    boilerplate.release("0.2.0", "- New pins.")
    ended = project.update(boilerplate.folder, **index | {"UV_DEFAULT_INDEX": "x:"})
    assert ended.returncode == 0, ended.stdout
    assert "type python3 manage.py lock" in ended.stdout
    assert pinned(project) == ["base-package==1.0", "own-package==1.0"]


def test_pins_nobody_changed_are_not_compiled(
    boilerplate: Boilerplate, project: Repository
) -> None:
    add(project, "own-package")
    own = PIN.format("2" * 64).replace("base", "own")
    project.write({"requirements/app.txt": PIN.format("0" * 64) + own})
    project.commit()
    before = project.text("requirements/app.txt")
    boilerplate.release("0.2.0", "- Nothing.")
    ended = project.update(boilerplate.folder, UV_DEFAULT_INDEX="x:")
    assert ended.returncode == 0
    assert "manage.py lock" not in ended.stdout
    assert project.text("requirements/app.txt") == before


def test_the_boilerplates_own_pins_are_taken_as_they_are(
    boilerplate: Boilerplate, project: Repository
) -> None:
    upgrade(boilerplate)
    ended = project.update(boilerplate.folder, UV_DEFAULT_INDEX="x:")
    assert ended.returncode == 0, ended.stdout
    assert "manage.py lock" not in ended.stdout
    assert pinned(project) == ["base-package==1.1", "new-package==1.0"]
    assert "1" * 64 in project.text("requirements/dev.txt")
