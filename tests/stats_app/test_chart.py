"""Where everything in a chart is."""

import datetime as dt

import pytest

from my_app.stats_app import chart

FIRST = dt.date(2026, 2, 27)


def days_of(*values: int) -> dict[dt.date, int]:
    return {FIRST + place * dt.timedelta(days=1): v for place, v in enumerate(values)}


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        *((0, 1), (1, 1), (2, 2), (7, 8), (9, 10), (10, 10), (11, 20), (60, 60)),
        *((61, 80), (81, 100), (26_000, 30_000), (2**63 - 1, 10**19)),
    ],
)
def test_the_uppermost_line_has_a_round_number(value: int, rounded: int) -> None:
    assert chart.round_up(value) == rounded


def test_bars_stand_on_the_line_of_zero_and_reach_their_values() -> None:
    drawn = chart.draw(days_of(0, 5, 10))
    zero, half, top = drawn.lines
    assert (zero.value, half.value, top.value) == (0, 5, 10)
    assert [bar.top for bar in drawn.bars] == [zero.y, half.y, top.y]
    assert all(bar.top + bar.height == zero.y for bar in drawn.bars)


def test_all_is_within_the_picture() -> None:
    for values in ([0], [1], [2**63 - 1], [3] * 400):
        drawn = chart.draw(days_of(*values))
        assert drawn.bars[-1].left + drawn.bars[-1].width <= chart.WIDTH
        assert all(0 < line.y < chart.HEIGHT for line in drawn.lines)


def test_the_day_that_counted_most_is_the_last_of_several() -> None:
    assert chart.draw(days_of(3, 7, 7, 0)).most.day == dt.date(2026, 3, 1)
    assert chart.draw(days_of(3, 7, 7, 0)).total == 17
