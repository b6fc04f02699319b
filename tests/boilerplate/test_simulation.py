"""The simulation of one row says what was measured, and where the row stops serving."""

import re

import pytest

from boilerplate.benchmarks import hot_row
from boilerplate.benchmarks.simulation import Costs, Simulation

WRITTEN = (hot_row.CURVES.parent / "hot_row.md").read_text("utf-8")


def test_all_points_that_one_row_explains_were_measured() -> None:
    assert hot_row.points().keys() == hot_row.POINTS.keys()


@pytest.mark.parametrize("point", hot_row.POINTS, ids=": ".join)
def test_it_says_what_was_measured(point: tuple[str, str]) -> None:
    per_second, _ = hot_row.points()[point]
    assert hot_row.simulated(point).per_second == pytest.approx(per_second, rel=0.25)


def test_what_was_written_is_as_near() -> None:
    errors = [int(each) for each in re.findall(r"([+-]\d+)%", WRITTEN)]
    assert len(errors) == len(hot_row.POINTS) + len(hot_row.MEASURED)
    assert max(map(abs, errors)) <= 25


def test_the_file_has_every_case() -> None:
    for workers in hot_row.WRITERS:
        for commit in hot_row.COMMITS_MS:
            assert f"\n| {workers:,} | {commit} ms | " in WRITTEN
    for where in hot_row.REGIONS:
        assert WRITTEN.count(f" | {where} | ") == 3


def test_writers_take_turns() -> None:
    alone = Simulation(1, 1, Costs(0, 0, 0, 0, 0.01, 0)).run(4)
    assert alone.per_second == pytest.approx(100, rel=0.01)
    four = Simulation(4, 1, Costs(0, 0, 0, 0, 0.01, 0)).run(4)
    assert four.per_second == pytest.approx(100, rel=0.01)
    assert four.p50 == pytest.approx(0.04)


def test_a_row_that_is_locked_for_too_long_fails_some() -> None:
    costs = Costs(commit=0.02)
    assert Simulation(10, 4, costs).run(10).failed == 0
    assert Simulation(300, 4, costs).run(30).failed > 0.2
