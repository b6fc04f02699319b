"""What the address of a badge may ask for; what it does not say, or not rightly, is
as usual.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from my_app.badge_app.colors import color_of

STYLES = ("flat", "flat-square", "for-the-badge")
FORMATS = ("raw", "1,234", "1.2k")
# Days that are shown, and what is written behind their number.
PERIODS = {
    "all": (None, ""),
    "today": (1, " today"),
    "7d": (7, " in 7 days"),
    "30d": (30, " in 30 days"),
}
LABEL_COLOR, COLOR = "#444", "#0a5c2f"
LONGEST_LABEL = 64
# Without these, words of several persons' and other languages' scripts fall apart.
JOINERS = "\u200c\u200d"
UNITS = ("", "k", "M", "G", "T", "P", "E")


@dataclass(frozen=True)
class Look:
    """How a badge looks, and whether showing it counts."""

    label: str
    color: str = COLOR
    label_color: str = LABEL_COLOR
    style: str = "flat"
    format: str = "raw"
    period: str = "all"
    counts: bool = True

    @property
    def days(self) -> int | None:
        """How many days are shown; None if all."""
        return PERIODS[self.period][0]

    def message(self, value: int) -> str:
        """The text for the value."""
        return _written(value, self.format) + PERIODS[self.period][1]


def look_of(asked: Mapping[str, str], name: str) -> Look:
    """The look that an address asks for; the usual label is the counter's `name`."""
    style, form = asked.get("style", ""), asked.get("format", "")
    period = asked.get("period", "")
    return Look(
        label=_label_of(asked.get("label", name)),
        color=color_of(asked.get("color", "")) or COLOR,
        label_color=color_of(asked.get("labelColor", "")) or LABEL_COLOR,
        style=style if style in STYLES else Look.style,
        format=form if form in FORMATS else Look.format,
        period=period if period in PERIODS else Look.period,
        counts=asked.get("count", "").lower() != "false",
    )


def short(value: int) -> str:
    """The value in three digits at most, with a unit: 999, 1.2k, 12k, 1M."""
    scaled, power = float(value), 0
    # 999,950 is 1M, and not 1000k.
    while float(f"{scaled:.3g}") >= 1000:
        scaled, power = scaled / 1000, power + 1
    text = f"{scaled:.1f}" if power and scaled < 9.95 else f"{scaled:.0f}"
    return text.removesuffix(".0") + UNITS[power]


def _label_of(asked: str) -> str:
    """Bounded, and of characters that XML has and that do not turn text around."""
    clean = "".join(each for each in asked if each.isprintable() or each in JOINERS)
    if len(clean) <= LONGEST_LABEL:
        return clean
    return clean[: LONGEST_LABEL - 1] + "…"


def _written(value: int, form: str) -> str:
    if form == "1.2k":
        return short(value)
    return f"{value:,}" if form == "1,234" else str(value)
