"""The benchmark measures what is there, and refuses to compare what is not."""

import json
import shutil
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from boilerplate.benchmarks import field, load, rate, relay, report, running
from boilerplate.benchmarks.load import Result
from boilerplate.benchmarks.running import Choice, Measured
from quart_chassis.errors import UserError
from quart_chassis.testing.postgres import OwnPostgres, free_port
from quart_chassis.testing.servers import ROOT, manage
from quart_chassis.testing.waiting import until
from tests.quart_chassis.small_project import serving

NEEDS_WRK = pytest.mark.skipif(not shutil.which("wrk"), reason="no wrk on PATH")
SAID = """Running 2s test @ http://127.0.0.1:5001/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    13.01ms    2.02ms  28.55ms   84.31%
    Req/Sec     4.95k   408.58     5.53k    85.00%
  Latency Distribution
     50%   12.61ms
     75%  950.00us
     90%   15.01ms
     99%    1.20s
  9876 requests in 2.01s, 42.86MB read
Requests/sec:   4913.40
Transfer/sec:     21.32MB
"""


# As much of the demo's tables as contenders need.
TABLES = (
    "DROP TABLE IF EXISTS counters, counter_days",
    "CREATE TABLE counter_days ()",
    "CREATE TABLE counters "
    "(name text PRIMARY KEY, value bigint, updated_at timestamptz)",
)


def test_what_wrk_says_is_understood() -> None:
    assert load.parse(SAID) == Result(9876, 4913.4, 0.01261, 1.2, 0)
    bad = "  Non-2xx or 3xx responses: 3\n  Socket errors: connect 0, read 4, write 0"
    assert load.parse(f"{SAID}{bad}, timeout 5\n").errors == 12
    with pytest.raises(UserError, match="wrk says what nobody expects"):
        load.parse("unable to connect to 127.0.0.1:1 Connection refused")


def test_the_report_has_medians_spread_and_losses() -> None:
    rounds = [
        Measured(Result(1000, speed, 0.001, 0.002, 0), lost, 1100, 2**20)
        for speed, lost in [(500.0, 0), (700.0, 7), (600.0, 3)]
    ]
    rows = [
        report.Row("slow", Choice(5, True), [rounds[0]] * 3),
        report.Row("our <own>", Choice(10, False), rounds),
    ]
    text = "\n".join(report.lines({"a disk": rows}))
    assert text.index("| our <own> | 600 | 500 to 700 |") < text.index("| slow | 500 |")
    assert "| 10 of 3,300 | pool 10 |" in text
    assert "| 0 | pool 5, frozen |" in text
    drawn = ElementTree.fromstring(report.picture({"a disk": rows}))
    texts = [each.text for each in drawn.iter() if each.text]
    assert {"our <own>", "600", "slow", "500"} <= {*texts}


@NEEDS_WRK
def test_our_page_is_measured_and_its_count_is_right() -> None:
    words = ["bench", "--only", "our page", "--rounds", "1", "--seconds", "1"]
    ended = subprocess.run(
        manage(*words), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert "## commits 2 ms slower" in ended.stdout
    assert ended.stdout.count("| our page | ") == 2
    assert "round 1 of 1: our page" in ended.stderr


@NEEDS_WRK
def test_what_the_database_does_not_have_is_not_compared(
    own_postgres: OwnPostgres, tmp_path: Path
) -> None:
    ours = next(each for each in field.FIELD if each.name == "our page")
    track = running.Track(own_postgres, {"ours": manage()[0]}, ([], []), 2)
    for table in TABLES:
        track.sql(table)
    # A page that counts nothing, though it should.
    liar = replace(ours, name="liar", path="/livez")
    with pytest.raises(UserError, match=r"liar answered \d+ requests.* nothing to"):
        track.measure(liar, Choice(5, False), 1)
    honest = track.measure(replace(liar, loses=True), Choice(5, False), 1)
    assert honest.lost == honest.answered


def test_an_unknown_contender_is_told() -> None:
    ended = subprocess.run(
        manage("bench", "--only", "nobody"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "there is no contender 'nobody'; there are our page" in ended.stderr or (
        "wrk is not on PATH" in ended.stderr
    )


def test_the_statement_alone_is_counted(own_postgres: OwnPostgres) -> None:
    if not (own_postgres.binaries / "pgbench").exists():
        pytest.skip("no pgbench beside the server")
    track = running.Track(own_postgres, {}, ([], []), 2)
    for table in TABLES:
        track.sql(table)
    alone = next(each for each in field.FIELD if each.program == "pgbench")
    found = track.measure(alone, Choice(2, False), 1)
    assert track.stored() == found.result.requests > 0
    assert found.result.p50 <= found.result.p99


def test_callers_who_come_by_themselves_are_all_answered(empty_database: str) -> None:
    with serving(DATABASE_URL=empty_database) as server:
        program = [sys.executable, rate.__file__, server.url.rpartition(":")[2]]
        found, refused = (
            subprocess.run(
                [*program, path, "50", "1"], capture_output=True, text=True, check=False
            )
            for path in ("/livez", "/nowhere")
        )
    taken = json.loads(found.stdout)
    assert 0 < taken["p50"] <= taken["p99"] <= taken["p99.9"]
    assert taken["per_second"] > 0
    assert refused.returncode == 1
    assert "HTTP/1.1 404" in refused.stderr


def test_a_relay_passes_everything_on_in_order() -> None:
    sent = b"".join(b"%d " % each for each in range(20_000))
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as database:
        words = [relay.__file__, str(database.getsockname()[1]), str(port), "1"]
        with subprocess.Popen([sys.executable, *words]) as process:
            until(lambda: has_passed(port, sent))
            far, _ = database.accept()
            with far:
                assert far.recv(len(sent), socket.MSG_WAITALL) == sent
            process.terminate()


def has_passed(port: int, data: bytes) -> bool:
    """Whether a connection was made, and took everything."""
    try:
        with socket.create_connection(("127.0.0.1", port)) as near:
            near.sendall(data)
    except ConnectionRefusedError:
        return False
    return True
