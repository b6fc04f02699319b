"""What doctor finds."""

from dataclasses import dataclass

from quart_chassis.errors import UserError


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, and what to do about it.

    `stops` is false for what is only good to know.
    """

    problem: str
    remedy: str
    stops: bool = True


def from_error(error: UserError) -> Finding:
    """What the user would be told, in two parts."""
    problem, _, remedy = str(error).rpartition("; ")
    return Finding(problem or remedy, remedy if problem else "correct it as it says")
