"""The settings of counting."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from quart_chassis.errors import UserError

LARGEST_VALUE = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class CounterSettings:
    """Every setting of counting; `settings.toml` says what each one means."""

    COUNTER_NAMES: tuple[str, ...]
    MAX_AMOUNT: Annotated[int, Meta(ge=1, le=LARGEST_VALUE)]
    QUEUE_LIMIT: Annotated[int, Meta(ge=1, le=1_000_000)]
    BATCH_LIMIT: Annotated[int, Meta(ge=1, le=10_000)]
    WATCHER_LIMIT: Annotated[int, Meta(ge=0, le=1_000_000)]

    def __post_init__(self) -> None:
        """Raise UserError if a batch's sum might not fit into 64 bits."""
        if self.MAX_AMOUNT * self.BATCH_LIMIT > LARGEST_VALUE:
            raise UserError(
                f"MAX_AMOUNT times BATCH_LIMIT passes {LARGEST_VALUE}; lower one of "
                "them"
            )
