"""The record of where a project came from: `.quart-chassis.toml` in its root."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from quart_chassis.errors import UserError

FILE = ".quart-chassis.toml"
NO_RECORD = (
    f"here is no {FILE}, which `new` writes; only a project that `new` made can be "
    "updated"
)


@dataclass(frozen=True)
class Record:
    """The boilerplate's version and commit, and the names it was rendered under.

    `chassis` has git's blob id of each file of `quart_chassis/`, as it was rendered.
    """

    version: str
    commit: str
    package: str
    name: str
    title: str
    demo: bool
    chassis: dict[str, str]

    @classmethod
    def of(cls, root: Path) -> Self:
        """The record of the project in `root`; UserError if it has none."""
        path = root / FILE
        if not path.exists():
            raise UserError(NO_RECORD)
        try:
            content = tomllib.loads(path.read_text("utf-8"))
            chassis = {k: _word(v) for k, v in content.get("chassis", {}).items()}
            return cls(
                version=_word(content["version"]),
                commit=_word(content["commit"]),
                package=_word(content["package"]),
                name=_word(content["name"]),
                title=_word(content["title"]),
                demo=content["demo"] is True,
                chassis=chassis,
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{FILE} cannot be read ({type(error).__name__}: {error}); restore it "
                f"with git checkout HEAD -- {FILE}"
            ) from None


def _word(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} is no text")
    return value
