"""Where everything in a badge is, in pixels."""

from collections.abc import Iterator
from dataclasses import dataclass

from my_app.badge_app.colors import ink_on
from my_app.badge_app.glyphs import is_measured, width_of
from my_app.badge_app.looks import Look


@dataclass(frozen=True)
class Measures:
    """What a style has in common for all badges."""

    height: int
    size: int
    baseline: float
    margin: float
    spacing: float = 0
    is_loud: bool = False


FLAT = Measures(height=20, size=11, baseline=14, margin=5)
LOUD = Measures(
    height=28, size=10, baseline=17.5, margin=12, spacing=1.25, is_loud=True
)
OF_STYLE = {"flat": FLAT, "flat-square": FLAT, "for-the-badge": LOUD}


@dataclass(frozen=True)
class Part:
    """One of the two halves; `length` is the text's, None where nobody knows it."""

    text: str
    left: float
    width: float
    color: str
    ink: str
    length: float | None
    is_bold: bool

    @property
    def middle(self) -> float:
        """Where the text has its middle."""
        return self.left + self.width / 2


@dataclass(frozen=True)
class Badge:
    """A drawn badge; the last of its parts is the message."""

    measures: Measures
    parts: tuple[Part, ...]
    style: str

    @property
    def width(self) -> float:
        """The width of all."""
        return sum(part.width for part in self.parts)

    @property
    def label(self) -> str:
        """The label's text; "" if there is none."""
        return self.parts[0].text if len(self.parts) > 1 else ""


def draw(look: Look, message: str) -> Badge:
    """The badge for a message."""
    measures = OF_STYLE[look.style]
    return Badge(measures, tuple(_parts(look, message, measures)), look.style)


def _parts(look: Look, message: str, measures: Measures) -> Iterator[Part]:
    left = 0.0
    texts = [(look.label, look.label_color, False)] if look.label else []
    for text, color, is_message in (*texts, (message, look.color, True)):
        shown = text.upper() if measures.is_loud else text
        is_bold = measures.is_loud and is_message
        length = width_of(shown, measures.size, is_bold=is_bold)
        length = round(length + measures.spacing * len(shown), 2)
        width = round(length + 2 * measures.margin, 1)
        known = length if is_measured(shown) else None
        yield Part(shown, left, width, color, ink_on(color), known, is_bold)
        left += width
