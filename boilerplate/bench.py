"""Measure requests per second beside other frameworks, and write the results."""

import argparse
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from boilerplate.benchmarks.field import Contender
    from boilerplate.benchmarks.report import Row
    from boilerplate.benchmarks.running import Choice, Measured, Track
    from quart_chassis.testing.postgres import OwnPostgres

TOOLS = True
SETTINGS = ("fsync", "synchronous_commit", "shared_buffers", "max_connections")


def configure(parser: argparse.ArgumentParser) -> None:
    """How long, and who."""
    parser.add_argument("--quick", action="store_true", help="in under two minutes")
    parser.add_argument(
        "--curves", action="store_true", help="our page under changing conditions"
    )
    parser.add_argument(
        "--hot-row", action="store_true", help="many writers on one row, simulated"
    )
    parser.add_argument("--rounds", type=int, help="how often each is asked")
    parser.add_argument("--seconds", type=int, help="for how long each time")
    parser.add_argument("--clients", type=int, default=64, help="connections at once")
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="this contender; repeatable"
    )


def run(arguments: argparse.Namespace) -> None:
    """Ask each contender in turn, several times, and write the medians."""
    from boilerplate.benchmarks import (
        curves,
        field,
        load,
        machine,
        ordinary,
        report,
        running,
    )
    from quart_chassis.errors import UserError
    from quart_chassis.testing.servers import ROOT

    if arguments.hot_row:
        _write_hot_row(arguments.rounds or 3, arguments.seconds or 3)
        return
    load.program()
    names = arguments.only or (field.QUICK if arguments.quick else ())
    known = [each.name for each in field.FIELD]
    if unknown := {*names} - {*known}:
        raise UserError(
            f"there is no contender {min(unknown)!r}; there are {', '.join(known)}"
        )
    chosen = [each for each in field.FIELD if not names or each.name in names]
    if arguments.curves:
        chosen = [each for each in field.FIELD if each.program != "made"]
    found = machine.programs({each.program for each in chosen})
    chosen = [each for each in chosen if each.program in found]
    rounds = arguments.rounds or (2 if arguments.quick else 5)
    seconds = arguments.seconds or (2 if arguments.quick else 5)
    delays = (0,) if arguments.quick else (0, 2)
    tables: dict[str, list[Row]] = {}
    lines: list[str] = []
    with _postgres() as server:
        track = running.Track(server, found, machine.pins(), arguments.clients)
        for statement in (*ordinary.TABLE, running.WITHOUT_DAYS):
            track.sql(statement)
        if arguments.curves:
            lines = list(curves.tables(track, rounds, seconds))
        else:
            for delay in delays:
                track.slow_down(delay)
                title = f"commits {delay} ms slower" if delay else "as the disk is"
                times = (rounds, seconds)
                tables[title] = _rounds(track, chosen, times, arguments.quick)
        settings = ", ".join(f"{each} {track.sql(f'SHOW {each}')}" for each in SETTINGS)
        version = f"PostgreSQL {track.sql('SHOW server_version')} ({settings})"
    how = (
        f"One worker, one hot counter, {arguments.clients} clients, medians of "
        f"{rounds} rounds of {seconds} s. Contenders take turns, each set as it was "
        "fastest."
    )
    lines = [
        *report.head(machine.description(found, version), how),
        *(lines or report.lines(tables)),
    ]
    text = "\n".join(lines) + "\n"
    folder = ROOT / "boilerplate" / "benchmarks"
    if not arguments.quick and not arguments.only:
        name = "curves.md" if arguments.curves else "results.md"
        (folder / name).write_text(text, "utf-8")
        if tables:
            (folder / "results.svg").write_text(report.picture(tables), "utf-8")
    print(text, end="")


def _write_hot_row(rounds: int, seconds: int) -> None:
    from boilerplate.benchmarks import hot_row, machine, report, running
    from quart_chassis.testing.servers import ROOT

    with _postgres() as server:
        track = running.Track(server, {}, machine.pins(), hot_row.CLIENTS)
        track.sql("ALTER SYSTEM SET max_connections = 300")
        server.stop()
        server.start()
        lines = list(hot_row.tables(track, rounds, seconds))
        version = f"PostgreSQL {track.sql('SHOW server_version')}"
    how = (
        "Simulated is one row, as `simulation.py` has it: its lock is held for two "
        "statements and the commit, and clients ask again as soon as they are answered."
    )
    head = report.head(machine.description({}, version), how)
    text = "\n".join([*head, *lines]) + "\n"
    (ROOT / "boilerplate" / "benchmarks" / "hot_row.md").write_text(text, "utf-8")
    print(text, end="")


def _rounds(
    track: "Track",
    chosen: Sequence["Contender"],
    times: tuple[int, int],
    quick: bool,
) -> list["Row"]:
    from boilerplate.benchmarks.report import Row
    from quart_chassis.errors import say

    choices = {who.name: _best(track, who, quick) for who in chosen}
    rounds, seconds = times
    measured: dict[str, list[Measured]] = {who.name: [] for who in chosen}
    for number in range(rounds):
        for who in chosen:
            found = track.measure(who, choices[who.name], seconds)
            measured[who.name].append(found)
            said = f"{found.result.per_second:,.0f} requests/s"
            say(f"round {number + 1} of {rounds}: {who.name}: {said}")
    return [Row(name, choices[name], measured[name]) for name in measured]


def _best(track: "Track", who: "Contender", quick: bool) -> "Choice":
    """How it is fastest: its pool, and with or without `gc.freeze`.

    In a hurry only two pools are tried, frozen.
    """
    from boilerplate.benchmarks.running import Choice
    from quart_chassis.errors import say

    freezes = (False, True) if who.program == "theirs" else (False,)
    pools = who.pools[:3:2] if quick else who.pools
    choices = [
        Choice(pool, freeze)
        for pool in pools
        for freeze in freezes[-1 if quick else 0 :]
    ]
    if len(choices) == 1:
        return choices[0]
    tried = {each: track.measure(who, each, 1).result.per_second for each in choices}
    best = max(tried, key=tried.__getitem__)
    say(f"{who.name}: {best} of {len(tried)} settings")
    return best


@contextmanager
def _postgres() -> Iterator["OwnPostgres"]:
    """A PostgreSQL of its own on this machine's disk, with our schema."""
    import tempfile
    from pathlib import Path

    from quart_chassis.testing import postgres

    os.environ[postgres.UID] = secrets.token_hex(4)
    folder = postgres.run_folder()
    folder.mkdir()
    folder.chmod(0o755)
    try:
        with postgres.OwnPostgres(Path(tempfile.gettempdir())) as server:
            _migrate(server.url())
            yield server
    finally:
        shutil.rmtree(folder)


def _migrate(url: str) -> None:
    import asyncio

    from quart_chassis.database import migrations
    from quart_chassis.features import load_settings
    from quart_chassis.project import Project
    from quart_chassis.testing.servers import ROOT

    project = Project.at(ROOT)
    asyncio.run(migrations.to_revision(load_settings(project, DATABASE_URL=url)))
