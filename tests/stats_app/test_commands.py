"""exportcounters and importcounters, as people type them."""

import asyncio
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from quart_chassis.testing.servers import ROOT, manage
from quart_chassis.testing.waiting import HANG_SECONDS
from tests.stats_app.files import counter, file_of, fill, rows_of


def run(database: str, *words: str, given: bytes = b"") -> tuple[int, bytes, str]:
    """The command's status, what it wrote, and what it said."""
    ran = subprocess.run(
        manage(*words),
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database},
        input=given,
        capture_output=True,
        timeout=HANG_SECONDS,
        check=False,
    )
    return ran.returncode, ran.stdout, ran.stderr.decode()


def rows(database: str) -> list[tuple[Any, ...]]:
    return asyncio.run(rows_of(database))


def test_a_file_goes_out_and_in_again(
    database: str, other_database: str, tmp_path: Path
) -> None:
    asyncio.run(fill(database, 150, 2))
    path = tmp_path / "counters.ndjson"
    status, written, said = run(database, "exportcounters", str(path))
    assert (status, written) == (0, b"")
    assert f"150 counters are in {path}" in said
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    status, _, said = run(other_database, "importcounters", str(path))
    assert status == 0, said
    assert "150 counters, 300 days" in said
    assert rows(other_database) == rows(database)


def test_it_goes_through_a_pipe(database: str, other_database: str) -> None:
    asyncio.run(fill(database, 3, 2))
    status, written, _ = run(database, "exportcounters")
    assert status == 0
    assert run(other_database, "importcounters", "-", given=written)[0] == 0
    assert rows(other_database) == rows(database)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("importcounters", "{}/none"), "none cannot be read: No such file"),
        (("importcounters", "{}"), "cannot be read: Is a directory"),
        (("importcounters", "{}/wrong"), "Line 2: value is 1, and base"),
        (("exportcounters", "{}"), "is a directory; name a file in it"),
        (("exportcounters", "{}/none/file"), "cannot be written: No such file"),
    ],
)
def test_what_is_wrong_is_one_line(
    database: str, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    (tmp_path / "wrong").write_bytes(file_of(counter("a", value=1)))
    before = list(tmp_path.iterdir())
    status, _, told = run(database, *(word.format(tmp_path) for word in words))
    assert status == 1
    assert said in told.splitlines()[-1]
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == before
