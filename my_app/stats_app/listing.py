"""What the address of the list of counters may ask for."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from my_app.counter_app import LARGEST_VALUE, names


class Listing(msgspec.Struct):
    """Which counters, in which order; a page begins behind `after`, and `below`."""

    order: Literal["name", "count"] = "name"
    # Of printable characters, as names are; a database has no NUL.
    search: Annotated[str, Meta(pattern=r"^[^\x00-\x1f]{0,64}$")] = ""
    after: names.Name | None = None
    below: Annotated[int, Meta(ge=0, le=LARGEST_VALUE)] | None = None
