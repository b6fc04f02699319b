"""Which user agents are robots, by a list kept on PyPI: crawler-user-agents."""

import json
import re
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from my_app.counter_app.settings import CounterSettings
from quart_chassis.application import Application

# Whoever uses a library, or drives a browser, asks on purpose, as with curl.
TOOLS = {"http-library", "browser-automation"}
# They load pictures for people: without them no badge on GitHub or in a mail counts.
PROXIES = ("github-camo", "GoogleImageProxy", "YahooMailProxy")
# A robot says what it is at the beginning; more would take longer to look through.
LONGEST = 512
# Python's own engine searches this many alternatives quicker than all at once.
PATTERNS_AT_ONCE = 25


def is_robot(user_agent: str) -> bool:
    """Whether a known robot calls itself so."""
    return _is_robot(user_agent[:LONGEST])


@cache
def list_date() -> str:
    """When the list's newest entry was added: YYYY-MM-DD."""
    newest: str = max(each.get("addition_date", "") for each in _entries())
    return newest.replace("/", "-")


def install(app: Application) -> None:
    """Read the list when `app` starts, and not for the first visit."""

    @app.before_serving
    async def read_the_list() -> None:
        if not app.settings(CounterSettings).COUNT_ROBOTS:
            _patterns()
            list_date()


# A browser's takes 0.2 ms once. Bounded, because callers send what they like.
@lru_cache(maxsize=4096)
def _is_robot(beginning: str) -> bool:
    if any(proxy in beginning for proxy in PROXIES):
        return False
    return any(each.search(beginning) for each in _patterns())


@cache
def _patterns() -> list[re.Pattern[str]]:
    wanted = [each["pattern"] for each in _entries() if set(each["tags"]) - TOOLS]
    return [
        re.compile("|".join(wanted[start : start + PATTERNS_AT_ONCE]))
        for start in range(0, len(wanted), PATTERNS_AT_ONCE)
    ]


def _entries() -> list[dict[str, Any]]:
    """The list; its package is not imported, because it would keep all of it."""
    found = find_spec("crawleruseragents")
    assert found, "requirements/app.txt has it"
    assert found.origin
    path = Path(found.origin).with_name("crawler-user-agents.json")
    entries: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return entries
