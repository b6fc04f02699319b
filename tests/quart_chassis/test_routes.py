import os
import subprocess

from tests.quart_chassis.small_project import PATHS, SMALL, command, run


def test_every_route_is_shown_with_who_may_call_it() -> None:
    shown = run("routes", DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert shown.returncode == 0, shown.stderr
    rows = [line.split() for line in shown.stdout.splitlines()]
    assert rows[0] == ["METHODS", "PATH", "WHO", "MAY", "ENDPOINT"]
    assert ["GET", "/livez", "everyone", "probes.livez"] in rows
    assert ["WebSocket", "/echo", "everyone", "notes_app.echo"] in rows
    guarded = {row[2] for row in rows[1:]}
    assert guarded == {"everyone", "owner", "admin"}
    paths = [row[1] for row in rows[1:]]
    assert paths == sorted(paths)


def test_whoever_reads_only_the_first_lines_is_not_told_of_an_error() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        command("routes"),
        cwd=SMALL,
        env={**os.environ, **PATHS},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (141, "")
