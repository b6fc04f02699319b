import sys
from pathlib import Path

import pytest

from quart_chassis.errors import UserError
from quart_chassis.settings import sources


def test_a_malformed_file_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("[default]\nPORT = 1\nHOST = \n")
    with pytest.raises(UserError, match=r"settings\.toml cannot be read: .*line 3"):
        sources.from_file(path, "development")


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"settings\.toml cannot be read"):
        sources.from_file(tmp_path / "settings.toml", "development")


def test_every_value_tells_its_section(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("[default]\nA = 1\nB = 2\n[staging]\nB = 3\n")
    given = sources.from_file(path, "staging")
    assert given["A"] == sources.Given(1, "settings.toml [default]")
    assert given["B"] == sources.Given(3, "settings.toml [staging]")


@pytest.mark.skipif(sys.platform == "win32", reason="no such file on Windows")
def test_a_secret_file_that_never_ends_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to take twelve gigabytes in twenty seconds."""
    monkeypatch.setenv("DB_PASSWORD_FILE", "/dev/zero")
    with pytest.raises(UserError, match="DB_PASSWORD_FILE=/dev/zero has more than"):
        sources.from_environment([], ["DB_PASSWORD"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "names no section|has no section"),
        ("[development]", r"has no section \[default\]"),
        ("A = 1\n[default]\n[development]", r"A must stand below \[default\]"),
        ("[default]\n[[development]]", r"development must stand as \[development\]"),
        ("[default]\n[DEFAULT]\n[development]", r"\[DEFAULT\] is one section too many"),
        ("[default]\n[development]\n[global]", r"\[global\] is one section too many"),
        ("[default]\na = 1\nA = 2\n[development]", r"\[default\] has A twice"),
        ("[default]\rA = 1\n[development]", "cannot be read"),
        (f"[default]\nA = {'[' * 3000}", "cannot be read"),
    ],
)
def test_what_dynaconf_would_read_in_another_way_is_told(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(text.encode())
    with pytest.raises(UserError, match=told) as raised:
        sources.from_file(path, "development")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "value",
    ["@int x", "@format {this.NOPE}", "@jinja {{1/0}}", "@reset s3cret", "@none", "@"],
)
def test_a_value_in_the_file_is_what_is_written(tmp_path: Path, value: str) -> None:
    """Dynaconf's casts ended in its tracebacks, one of them with the secret."""
    path = tmp_path / "settings.toml"
    path.write_text(f"[default]\nA = '{value}'\nB = ['{value}']\n[development]")
    given = sources.from_file(path, "development")
    assert (given["A"].value, given["B"].value) == (value, [value])
