import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from quart_chassis.features import load_settings
from quart_chassis.project import Project
from quart_chassis.settings import secret_key


def test_a_developers_key_is_kept(checkout: Path) -> None:
    def key(environment: str) -> str:
        project = Project.at(checkout)
        return load_settings(project, ENV_FOR_DYNACONF=environment).SECRET_KEY

    first = key("development")
    assert key("development") == first
    assert (checkout / secret_key.FILE).read_text() == f"{first}\n"
    assert key("testing") != first
    assert sorted(each.name for each in checkout.glob(".secret*")) == [secret_key.FILE]


@pytest.mark.skipif(sys.platform == "win32", reason="files there have no such modes")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    secret_key.kept_in(tmp_path)
    mode = stat.S_IMODE((tmp_path / secret_key.FILE).stat().st_mode)
    assert mode == 0o600


def test_all_who_start_at_once_have_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(secret_key.kept_in, [tmp_path] * 64))
    assert len(keys) == 1


@pytest.mark.parametrize("content", ["", "short\n", "ü" * 10])
def test_what_is_no_key_is_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / secret_key.FILE).write_text(content, "utf-8")
    key = secret_key.kept_in(tmp_path)
    assert len(key) >= secret_key.SHORTEST_KEY
    assert secret_key.kept_in(tmp_path) == key


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere"
)
def test_where_it_cannot_be_kept_that_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o555)
    assert secret_key.kept_in(tmp_path) != secret_key.kept_in(tmp_path)
    assert "a restart ends sessions" in capsys.readouterr().err
