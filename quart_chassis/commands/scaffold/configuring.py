"""A feature's block in `settings.toml`."""

import re
import tomllib

from quart_chassis.errors import UserError

ASSIGNED = re.compile(r"^([A-Z][A-Z0-9_]*) = ", re.MULTILINE)


def without_block(source: str, name: str) -> str:
    """The text of `settings.toml` without the feature's block, and its settings.

    The block begins with `# --- NAME ---`, and ends before the next one or the next
    section. UserError if more than its settings would go.
    """
    begins = rf"^# --- {re.escape(name)} ---\r?\n"
    block = re.search(
        rf"{begins}.*?(?=^# --- |^\[|\Z)", source, re.MULTILINE | re.DOTALL
    )
    if block is None:
        return source
    own = set(ASSIGNED.findall(block[0].replace("\r\n", "\n")))
    without = source[: block.start()] + source[block.end() :]
    if without[block.start() :].startswith("["):
        # The empty line before a section stays.
        without = (
            source[: block.start()].rstrip()
            + _line_ends(source) * 2
            + source[block.end() :]
        )
    for each in own:
        without = re.sub(rf"^{each} = .*\r?\n", "", without, flags=re.MULTILINE)
    _check(source, without, own)
    return without


def _line_ends(source: str) -> str:
    return "\r\n" if "\r\n" in source else "\n"


def _check(source: str, without: str, own: set[str]) -> None:
    """UserError unless exactly the feature's own settings are gone."""
    try:
        left = tomllib.loads(without)
    except ValueError:
        left = {}
    expected = {
        section: {key: value for key, value in values.items() if key not in own}
        for section, values in tomllib.loads(source).items()
    }
    if left != expected:
        raise UserError(
            f"settings.toml cannot be edited safely; take {', '.join(sorted(own))} out "
            "of it yourself, with the comments, and try again"
        )
