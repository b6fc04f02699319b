"""The settings of counting."""

import re
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from quart_chassis.errors import UserError
from quart_chassis.settings import check_each

LARGEST_VALUE = 2**63 - 1
# A counter's name.
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
RULE = "must start with a-z or 0-9; up to 63 of a-z 0-9 . _ - may follow"


@dataclass(frozen=True, kw_only=True)
class CounterSettings:
    """Every setting of counting; `settings.toml` says what each one means."""

    COUNTER_NAMES: tuple[str, ...]
    MAX_AMOUNT: Annotated[int, Meta(ge=1, le=LARGEST_VALUE)]
    QUEUE_LIMIT: Annotated[int, Meta(ge=1, le=1_000_000)]
    BATCH_LIMIT: Annotated[int, Meta(ge=1, le=10_000)]
    WATCHER_LIMIT: Annotated[int, Meta(ge=0, le=1_000_000)]
    MAX_COUNTERS: Annotated[int, Meta(ge=0, le=1_000_000_000)]
    NEW_COUNTERS_PER_MINUTE: Annotated[int, Meta(ge=0, le=1_000_000_000)]
    KEYS_PER_MINUTE: Annotated[int, Meta(ge=0, le=1_000_000_000)]
    HISTORY_DAYS: Annotated[int, Meta(ge=2, le=36_600)]
    COUNT_ROBOTS: bool

    def __post_init__(self) -> None:
        """Raise UserError for a name that no counter can have, and for too large sums.

        A batch's sum must fit into 64 bits.
        """
        check_each("COUNTER_NAMES", self.COUNTER_NAMES, _check_name)
        if self.MAX_AMOUNT * self.BATCH_LIMIT > LARGEST_VALUE:
            raise UserError(
                f"MAX_AMOUNT times BATCH_LIMIT passes {LARGEST_VALUE}; lower one of "
                "them"
            )


def _check_name(name: str) -> None:
    if not NAME.fullmatch(name):
        raise ValueError(f"a name {RULE}")
