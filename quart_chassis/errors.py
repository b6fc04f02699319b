"""Messages for people at a terminal. Standard library only."""

import sys
import traceback
from pathlib import Path


class UserError(Exception):
    """An error the user can fix; its text is one line: what is wrong, what to do."""


def say(line: str) -> None:
    """Print a line to stderr, apart from the command's own output."""
    print(line, file=sys.stderr, flush=True)


def places(error: BaseException) -> list[tuple[Path, int | None]]:
    """The files and lines that an error came through, the innermost first."""
    frames = traceback.extract_tb(error.__traceback__)
    found = [(Path(frame.filename), frame.lineno) for frame in reversed(frames)]
    if isinstance(error, SyntaxError) and error.filename:
        found.insert(0, (Path(error.filename), error.lineno))
    return found
