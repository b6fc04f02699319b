"""Where everything in a chart of days is."""

import base64
import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 240
TOP, BOTTOM, RIGHT = 16, 36, 16
# A digit of the numbers at the left, at 13 pixels.
DIGIT = 8
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#55605b}"
    "line{stroke:#dcdfda}rect{fill:#0b6b3a}"
    "@media(prefers-color-scheme:dark){"
    "text{fill:#a3afa9}line{stroke:#323a37}rect{fill:#5fd39a}}"
)
# Nothing but this style is let in (CSP 3, 2.3.1).
STYLE_SOURCE = (
    f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
)


@dataclass(frozen=True)
class Bar:
    """A day."""

    day: dt.date
    value: int
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """A line across, and the number it stands for."""

    value: int
    y: float


@dataclass(frozen=True)
class Chart:
    """A drawn chart; `total` is what its days counted."""

    bars: list[Bar]
    lines: list[Line]
    left: float

    @property
    def total(self) -> int:
        """What the days counted."""
        return sum(bar.value for bar in self.bars)

    @property
    def most(self) -> Bar:
        """The day that counted most; the last of several."""
        return max(self.bars, key=lambda bar: (bar.value, bar.day))


def draw(days: Mapping[dt.date, int]) -> Chart:
    """The chart of one day or more, in their order."""
    top = round_up(max(days.values()))
    left = 12 + DIGIT * len(f"{top:,}")
    space = (WIDTH - left - RIGHT) / len(days)
    bars = [
        Bar(
            day,
            value,
            left=round(left + place * space, 2),
            top=_y(value, top),
            width=round(space * 0.8, 2),
            height=round(HEIGHT - BOTTOM - _y(value, top), 2),
        )
        for place, (day, value) in enumerate(days.items())
    ]
    values = sorted({0, top // 2, top})
    return Chart(bars, [Line(value, _y(value, top)) for value in values], left)


def round_up(value: int) -> int:
    """The first of 1, 2, 3, 4, 5, 6, 8, 10, 20 … that is not less than `value`."""
    step = 1
    while True:
        for factor in (1, 2, 3, 4, 5, 6, 8):
            if factor * step >= value:
                return factor * step
        step *= 10


def _y(value: int, top: int) -> float:
    height = HEIGHT - BOTTOM - TOP
    # As a fraction first: a float would round the values themselves.
    return round(HEIGHT - BOTTOM - height * (value / top), 2)
