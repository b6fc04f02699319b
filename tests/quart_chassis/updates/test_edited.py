"""Which files of the chassis a project has changed is told, offline."""

import shutil

from quart_chassis.project import Project
from quart_chassis.updating.edited import edited
from tests.quart_chassis.updates.tiny import Boilerplate, Repository

ENGINE = "quart_chassis/engine.txt"


def told(project: Repository) -> list[str]:
    return edited(Project.at(project.folder))


def test_a_project_just_made_has_changed_nothing(project: Repository) -> None:
    shutil.rmtree(project.folder / ".git")
    project.write({"quart_chassis/__pycache__/engine.pyc": "x"})
    assert told(project) == []


def test_line_ends_do_not_count(project: Repository) -> None:
    project.write({ENGINE: project.text(ENGINE).replace("\n", "\r\n")})
    assert told(project) == []


def test_a_changed_a_new_and_a_deleted_file_are_named(project: Repository) -> None:
    project.replace(ENGINE, "part 0", "our part")
    project.write({"quart_chassis/ours.py": "pass\n"})
    assert told(project) == [ENGINE, "quart_chassis/ours.py"]
    (project.folder / ENGINE).unlink()
    assert told(project) == [ENGINE, "quart_chassis/ours.py"]


def test_after_an_update_only_what_the_project_changed_is_named(
    boilerplate: Boilerplate, project: Repository
) -> None:
    boilerplate.replace(ENGINE, "part 19", "newer part")
    boilerplate.write({"quart_chassis/gear.txt": "".join(map(str, range(99)))})
    boilerplate.release("0.2.0", "- Gear.")
    assert project.update(boilerplate.folder).returncode == 0
    assert told(project) == []
    project.replace(ENGINE, "part 0", "our part")
    project.commit()
    boilerplate.replace("quart_chassis/gear.txt", "98", "989")
    boilerplate.release("0.3.0", "- Gear.")
    assert project.update(boilerplate.folder).returncode == 0
    assert told(project) == [ENGINE]


def test_the_boilerplate_itself_has_no_record(boilerplate: Boilerplate) -> None:
    assert told(boilerplate) == []
