"""Messages for people at a terminal. Standard library only."""

import sys


class UserError(Exception):
    """An error the user can fix; its text is one line: what is wrong, what to do."""


def say(line: str) -> None:
    """Print a line to stderr, apart from the command's own output."""
    print(line, file=sys.stderr, flush=True)
