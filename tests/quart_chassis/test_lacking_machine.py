"""What a machine lacks for the development database is told as what it is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from quart_chassis.errors import UserError
from quart_chassis.postgres import embedded
from quart_chassis.testing.servers import ROOT
from tests.quart_chassis.asking import said

SERVE = """
import pathlib, resource, sys
from quart_chassis.errors import UserError
from quart_chassis.postgres import embedded

limit = sys.argv[2]
if limit:
    number = getattr(resource, limit)
    resource.setrlimit(number, (int(sys.argv[3]), resource.getrlimit(number)[1]))
try:
    with embedded.serving(pathlib.Path(sys.argv[1]), "app", print):
        print("it runs")
except UserError as error:
    print(error)
"""


def told(folder: Path, limit: str, number: int, *around: str) -> str:
    """What is said when the database is started within this limit."""
    words = [*around, sys.executable, "-c", SERVE, str(folder), limit, str(number)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such limits")
@pytest.mark.parametrize(
    ("limit", "number", "expected"),
    [
        ("RLIMIT_NOFILE", 10, r"Too many open files .*\(ulimit -n\)"),
        ("RLIMIT_NOFILE", 40, r"it may open too few files; .*\(ulimit -n\)"),
        ("RLIMIT_FSIZE", 2**19, r"it may write no file so large; .*\(ulimit -f\)"),
    ],
)
def test_a_limit_is_named(folder: Path, limit: str, number: int, expected: str) -> None:
    answer = told(folder, limit, number)
    assert re.search(expected, answer), answer
    assert answer.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has namespaces")
def test_missing_shared_memory_is_no_full_disk(folder: Path) -> None:
    """PostgreSQL says of both that no space is left on the device."""
    none_left = 'echo 0 > /proc/sys/kernel/shmmni && exec "$@"'
    around = ["unshare", "--ipc", "sh", "-c", none_left, "sh"]
    if subprocess.run([*around, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this account may make no namespaces here")
    answer = told(folder, "", 0, *around)
    assert "too little shared memory; raise the size of /dev/shm" in answer


@pytest.mark.parametrize("name", ["line\nbreak", "/".join(["d" * 250] * 4)])
def test_a_path_that_postgresql_cannot_use_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=r"line break .* 900 bytes; move the project"):
        with embedded.serving(tmp_path / name, "app", said):
            pass
