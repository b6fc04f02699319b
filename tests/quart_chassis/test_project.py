import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from quart_chassis.errors import UserError
from quart_chassis.project import HERE, Project

NAMED = '[tool.quart-chassis]\npackage = "my_shop"\n'


def write(folder: Path, pyproject: str) -> Path:
    """A folder that looks like a project's."""
    folder.mkdir(exist_ok=True)
    (folder / "settings.toml").touch()
    (folder / "pyproject.toml").write_text(pyproject)
    return folder


def write_package(folder: Path, **modules: str) -> None:
    """The package my_shop, which can be imported from now on."""
    (folder / "my_shop").mkdir(parents=True)
    for name, text in modules.items():
        (folder / "my_shop" / f"{name}.py").write_text(text)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that packages are imported from; what was imported is forgotten."""
    monkeypatch.syspath_prepend(tmp_path / "site")
    before = set(sys.modules)
    yield tmp_path / "site"
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "my_shop":
            del sys.modules[name]


def refused(folder: Path) -> str:
    """The one line that says why there is no project."""
    with pytest.raises(UserError) as raised:
        Project.at(folder)
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_names_are_derived_from_the_package(tmp_path: Path) -> None:
    project = Project.at(write(tmp_path, NAMED))
    assert (project.root, project.package) == (tmp_path, "my_shop")
    assert (project.name, project.title) == ("my-shop", "My shop")
    assert project.version == "0"
    assert project.variable("DRAIN") == "MY_SHOP_DRAIN"


def test_a_title_is_derived_from_the_distributions_name(tmp_path: Path) -> None:
    named = '[project]\nname = "the-shop"\nversion = "3.2.1"\n'
    project = Project.at(write(tmp_path, named + NAMED))
    assert (project.name, project.title) == ("the-shop", "The shop")
    assert project.version == "3.2.1"
    assert project.variable("DRAIN") == "MY_SHOP_DRAIN"


def test_names_that_are_written_count(project: Project) -> None:
    assert (project.package, project.name) == ("small_app", "small-app")
    assert (project.title, project.version) == ("Small", "1.2.3")


@pytest.mark.parametrize(
    "pyproject",
    [
        "",
        '[project]\nname = "my-shop"\n',
        "[tool.quart-chassis]\n",
        '[tool.quart-chassis]\npackage = "my-shop"\n',
        '[tool.quart-chassis]\npackage = ""\n',
        "[tool.quart-chassis]\npackage = 7\n",
    ],
)
def test_a_project_that_names_no_package_is_told_what_to_write(
    tmp_path: Path, pyproject: str
) -> None:
    message = refused(write(tmp_path, pyproject))
    assert message.startswith(f"{tmp_path / 'pyproject.toml'} names no package; write")
    assert "[tool.quart-chassis] package = " in message


def test_a_file_that_cannot_be_read_is_told_with_its_line(tmp_path: Path) -> None:
    message = refused(write(tmp_path, "[project]\nname =\n"))
    assert message.startswith(f"{tmp_path / 'pyproject.toml'} cannot be read: ")
    assert "line 2" in message


@pytest.mark.parametrize("lacking", ["settings.toml", "pyproject.toml"])
def test_a_folder_of_no_project_is_told(tmp_path: Path, lacking: str) -> None:
    (write(tmp_path, NAMED) / lacking).unlink()
    assert refused(tmp_path) == HERE


@pytest.mark.parametrize(
    ("modules", "absent"),
    [
        ({}, "my_shop"),
        ({"__init__": ""}, "my_shop.application"),
    ],
)
def test_a_package_that_cannot_be_found_is_told_with_the_file_that_names_it(
    tmp_path: Path, site: Path, modules: dict[str, str], absent: str
) -> None:
    if modules:
        write_package(site, **modules)
    project = Project.at(write(tmp_path / "project", NAMED))
    with pytest.raises(UserError) as raised:
        project.application()
    assert str(raised.value) == (
        f"{tmp_path / 'project' / 'pyproject.toml'} names the package my_shop, but "
        f"{absent} cannot be found; correct [tool.quart-chassis] package"
    )


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("import no_such_module_of_a_feature", ModuleNotFoundError),
        ("import my_shop.no_such_feature", ModuleNotFoundError),
        ("from my_shop import no_such_feature", ImportError),
        ("1 / 0", ZeroDivisionError),
    ],
)
def test_an_error_inside_a_feature_is_raised_as_it_is(
    tmp_path: Path, site: Path, statement: str, kind: type[Exception]
) -> None:
    modules = {"orders_app": statement, "application": "from my_shop import orders_app"}
    write_package(site, __init__="", **modules)
    project = Project.at(write(tmp_path / "project", NAMED))
    with pytest.raises(kind) as raised:
        project.application()
    assert raised.traceback[-1].path == site / "my_shop" / "orders_app.py"


def test_a_project_lies_beside_its_package(tmp_path: Path, site: Path) -> None:
    write_package(write(site, NAMED), __init__="")
    assert Project.of("my_shop").root == site


def test_a_project_whose_package_was_installed_is_where_the_command_was_typed(
    tmp_path: Path, site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_package(site, __init__="")
    monkeypatch.chdir(write(tmp_path / "project", NAMED))
    assert Project.of("my_shop").root == tmp_path / "project"
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="here is no settings"):
        Project.of("my_shop")


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    told = refused(write(tmp_path, f'{NAMED}titel = "Shop"\n'))
    assert "has the unknown key titel; use commands, demo, package, title" in told
