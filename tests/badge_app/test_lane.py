"""The fast lane of badges answers as their view does, whatever is asked."""

import asyncio
from typing import Any

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.counter_app.lanes import *
from tests.counter_app.lanes import (
    ANYTHING,
    METHODS,
    NAMES,
    Both,
    answered_at_the_door,
    compare_unusual,
    compare_whatever,
)

PATHS = st.builds("/badges/{}.svg".format, st.sampled_from(NAMES))


@hypothesis_settings(deadline=None, max_examples=100, database=None)
@given(
    asked=st.tuples(st.sampled_from(METHODS), PATHS),
    drawn=st.fixed_dictionaries(ANYTHING),
)
def test_whatever_is_asked_is_answered_as_without_it(
    runner: asyncio.Runner, both: Both, asked: tuple[str, str], drawn: dict[str, Any]
) -> None:
    compare_whatever(runner, both, asked, drawn)


def test_one_unusual_thing_is_answered_as_without_it(
    runner: asyncio.Runner, both: Both
) -> None:
    compare_unusual(runner, both, "GET", "/badges/a.svg")


def test_what_is_usual_does_not_come_to_quart(
    runner: asyncio.Runner, both: Both
) -> None:
    assert answered_at_the_door(runner, both, "GET", "/badges/A.svg") == 200
