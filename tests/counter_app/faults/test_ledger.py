"""The checker alone: it must accept what is right, and name what is not."""

import pytest

from tests.counter_app.faults.ledger import (
    NO_ANSWER,
    NOT_COUNTED,
    UNKNOWN,
    Attempt,
    Ledger,
    Read,
)


def counted(
    value: int, sent: float, answered: float, key: str | None = None
) -> Attempt:
    return Attempt(0, "a", key, sent, answered, "counted", value)


def failed(outcome: str, sent: float, key: str | None = None) -> Attempt:
    return Attempt(0, "a", key, sent, sent + 1, outcome)


RIGHT = [counted(1, 0, 1), counted(2, 0.5, 2), counted(3, 2.5, 3)]


@pytest.mark.parametrize(
    ("attempts", "reads", "stored"),
    [
        (RIGHT, [], 3),
        (RIGHT, [(1.5, 1.6, 1), (1.5, 1.6, 2), (4, 5, 3)], 3),
        ([*RIGHT, failed(UNKNOWN, 4)], [], 3),
        ([*RIGHT, failed(UNKNOWN, 4)], [], 4),
        ([*RIGHT, failed(NO_ANSWER, 4)], [], 4),
        ([*RIGHT, failed(NOT_COUNTED, 4)], [], 3),
        ([failed(UNKNOWN, 0, "k"), counted(1, 2, 3, "k")], [], 1),
        ([counted(1, 0, 1, "k"), counted(1, 2, 3, "k")], [], 1),
        ([failed(NOT_COUNTED, 0, "k"), failed(UNKNOWN, 2, "k")], [(3, 4, 1)], 1),
    ],
)
def test_what_can_happen_is_accepted(
    attempts: list[Attempt], reads: list[tuple[float, float, int]], stored: int
) -> None:
    ledger = Ledger(attempts, [Read("a", *read) for read in reads])
    assert ledger.problems({"a": stored}) == []


@pytest.mark.parametrize(
    ("attempts", "reads", "stored", "problem"),
    [
        (RIGHT, [], 2, "lost"),
        (RIGHT, [], 4, "counted twice"),
        (RIGHT, [(2.1, 2.2, 1)], 3, "lost"),
        (RIGHT, [(1.1, 1.2, 3)], 3, "counted twice"),
        ([*RIGHT, failed(UNKNOWN, 4)], [], 5, "counted twice"),
        ([*RIGHT, failed(NOT_COUNTED, 4)], [], 4, "counted twice"),
        ([counted(1, 0, 1), counted(1, 0, 1)], [], 2, "given twice"),
        ([counted(2, 0, 1), counted(1, 2, 3)], [], 2, "given after"),
        ([counted(1, 0, 1, "k"), counted(2, 2, 3, "k")], [], 1, "was answered"),
        ([counted(2, 0, 1)], [], 2, "given to nobody"),
        ([counted(9, 0, 1), failed(UNKNOWN, 2)], [], 2, "counted twice"),
    ],
)
def test_what_cannot_happen_is_named(
    attempts: list[Attempt],
    reads: list[tuple[float, float, int]],
    stored: int,
    problem: str,
) -> None:
    ledger = Ledger(attempts, [Read("a", *read) for read in reads])
    assert problem in " ".join(ledger.problems({"a": stored}))
