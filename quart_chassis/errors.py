"""What people at a terminal are told. Standard library only."""

import sys


class UserError(Exception):
    """Something the user can mend; its text is one line: what is wrong, what to do."""


def say(line: str) -> None:
    """Tell the user, beside the command's own output."""
    print(line, file=sys.stderr, flush=True)
