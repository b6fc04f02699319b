"""Let a feature answer requests of its routes at the door (docs/fast-lane.md)."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from quart import Quart, signals

from quart_chassis.door.lanes import Answer, Lane, Lanes, Quick
from quart_chassis.observe import tracing
from quart_chassis.settings import Settings

__all__ = ["Quick", "add", "install", "quick"]

Hook = Callable[..., Any]
# Who listens to one of these would hear nothing of such requests.
SIGNALS = (
    *(signals.request_started, signals.request_finished, signals.request_tearing_down),
    *(signals.appcontext_pushed, signals.appcontext_popped),
    signals.appcontext_tearing_down,
)

log = structlog.stdlib.get_logger()


@dataclass(frozen=True)
class Offer:
    """What a feature has for a route; `knows` are its own hooks that change nothing."""

    endpoint: str
    method: str
    answer: Answer
    knows: Collection[Hook]


def install(app: Quart, lanes: Lanes, chosen: Settings) -> None:
    """Open the lanes of `app` when it starts, where they answer as its views do."""
    app.extensions["fast_lanes"] = []

    @app.before_serving
    async def open_lanes() -> None:
        lanes.open(_usable(app, chosen))


def quick(body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> Quick:
    """An answer with these headers and that of the body's length."""
    length = (b"content-length", str(len(body)).encode())
    return Quick(200, [*headers, length], body)


def add(
    app: Quart,
    endpoint: str,
    answer: Answer,
    *,
    method: str = "GET",
    knows: Collection[Hook] = (),
) -> None:
    """Have `answer(scope, **arguments)` answer usual requests of the endpoint's route.

    It must answer as the view does, or return None for the view to answer; an error is
    the view's. It has no request and no application context. It is not used while spans
    are collected, under `run --reload`, or where a hook of the application (before or
    after requests) is neither the chassis' own nor in `knows`.
    """
    app.extensions["fast_lanes"].append(Offer(endpoint, method, answer, knows))


def _usable(app: Quart, chosen: Settings) -> Iterator[Lane]:
    if chosen.reloading or tracing.is_on() or any(each.receivers for each in SIGNALS):
        return
    for offer in app.extensions["fast_lanes"]:
        rule = next(app.url_map.iter_rules(offer.endpoint)).rule
        if chosen.CORS_ORIGINS and rule.startswith("/api/"):
            # Its answers have more headers then.
            continue
        stranger = next(_strangers(app, offer), None)
        if stranger is None:
            yield Lane(offer.method, rule, offer.answer)
        else:
            log.info("not in the fast lane", route=rule, hook=stranger.__qualname__)


def _strangers(app: Quart, offer: Offer) -> Iterator[Hook]:
    """Hooks that may do anything with requests of the endpoint."""
    blueprint, _, _ = offer.endpoint.rpartition(".")
    for hooks in (
        app.before_request_funcs,
        app.after_request_funcs,
        app.teardown_request_funcs,
        app.url_value_preprocessors,
    ):
        for hook in (*hooks.get(None, ()), *hooks.get(blueprint, ())):
            is_chassis = hook.__module__.startswith("quart_chassis.")
            if not is_chassis and hook not in offer.knows:
                yield hook
    yield from app.teardown_appcontext_funcs
