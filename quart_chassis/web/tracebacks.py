"""An exception as a page shows it: what was raised, where, and what led to it.

However large the exception is, its description is bounded. It holds lines of code and
no variables, because those may be passwords.
"""

import linecache
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Self

# Lines of code before the one that runs, and after it.
CONTEXT_LINES = 4
LONGEST_LINE = 300
LONGEST_MESSAGE = 4000
# Frames at the outer and at the inner end; a recursion has a thousand between them.
OUTER_FRAMES = 20
INNER_FRAMES = 30
MOST_EXCEPTIONS = 20

# Why an exception is told together with the one before it on the page.
CAUSED = "Direct cause of it"
HANDLED = "Being handled when it was raised"
IN_GROUP = "Part of the group"


@dataclass(frozen=True)
class Line:
    """A line of code, and whether it is the one that runs."""

    number: int
    text: str
    runs: bool


@dataclass(frozen=True)
class Frame:
    """A function that was running; `own` if it is the application's."""

    path: str
    function: str
    number: int
    lines: list[Line]
    own: bool
    # How many frames are left out between this one and the next.
    left_out: int = 0


@dataclass
class Raised:
    """One exception: its kind, its message, its frames, and why it is told."""

    kind: str
    message: str
    frames: list[Frame]
    relation: str = ""

    @property
    def opened(self) -> list[Frame]:
        """The frames to look at first: the application's, or else the innermost."""
        return [frame for frame in self.frames if frame.own] or self.frames[-1:]

    @classmethod
    def of(cls, error: BaseException, root: Path, package: str) -> Self:
        kind, message = words_of(error)
        return cls(kind, message, list(_frames(error, root, package)))


def raised(error: BaseException, root: Path, package: str) -> list[Raised]:
    """`error`, and the exceptions that led to it; 20 at most.

    `package` in the folder `root` is the application's code.
    """
    found = []
    for each, relation in islice(_chain(error), MOST_EXCEPTIONS):
        described = Raised.of(each, root, package)
        described.relation = relation
        found.append(described)
    return found


def words_of(error: BaseException) -> tuple[str, str]:
    """The exception's kind, and its message with its notes, as Python prints them."""
    # It copes with a `str()` that raises, and prints a SyntaxError's line.
    printed = "".join(traceback.format_exception_only(error)).rstrip("\n")
    kind = type(error).__qualname__
    if not isinstance(error, SyntaxError):
        printed = printed.partition(kind)[2].removeprefix(": ")
    if len(printed) > LONGEST_MESSAGE:
        printed = f"{printed[:LONGEST_MESSAGE]}… ({len(printed):,} characters)"
    return kind, printed


def text_of(exceptions: list[Raised]) -> str:
    """The same as plain text, in the order in which Python prints it."""
    return "\n\n".join("\n".join(_text(each)) for each in reversed(exceptions))


def _text(each: Raised) -> Iterator[str]:
    if each.relation:
        yield f"{each.relation}:"
    if each.frames:
        yield "Traceback (most recent call last):"
    for frame in each.frames:
        yield f'  File "{frame.path}", line {frame.number}, in {frame.function}'
        yield from (f"    {line.text.strip()}" for line in frame.lines if line.runs)
        if frame.left_out:
            yield f"  … {frame.left_out} more …"
    yield f"{each.kind}: {each.message}" if each.message else each.kind


def _chain(error: BaseException) -> Iterator[tuple[BaseException, str]]:
    """`error`, what it was raised from, and the members of groups; each once."""
    seen: set[int] = set()
    waiting = [(error, "")]
    while waiting:
        each, relation = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each, relation
        if each.__cause__ is not None:
            waiting.append((each.__cause__, CAUSED))
        elif each.__context__ is not None and not each.__suppress_context__:
            waiting.append((each.__context__, HANDLED))
        if isinstance(each, BaseExceptionGroup):
            waiting += [(member, IN_GROUP) for member in reversed(each.exceptions)]


def _frames(error: BaseException, root: Path, package: str) -> Iterator[Frame]:
    found = list(traceback.walk_tb(error.__traceback__))
    left_out = max(0, len(found) - OUTER_FRAMES - INNER_FRAMES)
    for place, (frame, number) in enumerate(found):
        if not left_out or place < OUTER_FRAMES:
            gap = left_out if place == OUTER_FRAMES - 1 else 0
            yield _frame(frame, number, root, package, gap)
        elif place >= OUTER_FRAMES + left_out:
            yield _frame(frame, number, root, package, 0)


def _frame(
    frame: FrameType, number: int, root: Path, package: str, left_out: int
) -> Frame:
    code = frame.f_code
    path = Path(code.co_filename)
    own = path.is_relative_to(root / package)
    lines = list(_lines(code.co_filename, number))
    return Frame(_name(path, root), code.co_qualname, number, lines, own, left_out)


def _name(path: Path, root: Path) -> str:
    """The path as it is written in the project, or in a package that is installed."""
    _, installed, inside = path.as_posix().rpartition("/site-packages/")
    if installed:
        return inside
    return str(path.relative_to(root) if path.is_relative_to(root) else path)


def _lines(filename: str, number: int) -> Iterator[Line]:
    """The lines around `number`; none if the file is gone or not readable as text."""
    linecache.checkcache(filename)
    first = max(1, number - CONTEXT_LINES)
    lines = linecache.getlines(filename)[first - 1 : number + CONTEXT_LINES]
    for place, line in enumerate(lines, first):
        yield Line(place, line.rstrip("\n")[:LONGEST_LINE], place == number)
