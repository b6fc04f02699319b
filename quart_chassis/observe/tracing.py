"""Traces, if the server was started by `opentelemetry-instrument`.

Each request has a span. Work for several requests may have a span of its own, which has
no parent and links to the spans of those requests.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext

from quart_chassis.observe.metrics import METHODS

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework

# These requests are frequent, and their traces are of no use.
LEFT_OUT = "://[^/]+/(livez|readyz|metrics)$"


def note_route(asked: Any) -> None:
    """Tell the door which route a request or a handshake has, if it has one.

    Its span is named after that, so that there are few names.
    """
    if asked.url_rule is None:
        return
    route = asked.scope["route"] = asked.url_rule.rule
    span = trace.get_current_span()
    if span.is_recording():
        span.update_name(f"{asked.scope.get('method', 'WEBSOCKET')} {route}")
        span.set_attribute("http.route", route)


def is_on() -> bool:
    """Whether spans are collected."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def traced(application: "ASGIFramework") -> "ASGIFramework":
    """`application`, with a span for each request if spans are collected."""
    if not is_on():
        return application
    # Installed with the tracing requirements, not with the application.
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware  # noqa: PLC0415

    middleware: Any = OpenTelemetryMiddleware(
        application,
        excluded_urls=LEFT_OUT,
        default_span_details=_until_it_has_a_route,
        exclude_spans=["receive", "send"],
    )
    return cast("ASGIFramework", middleware)


def _until_it_has_a_route(scope: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """A span's name before its route is known; an unknown method becomes `HTTP`."""
    method = scope.get("method", "WEBSOCKET")
    return method if method in METHODS else "HTTP", {}


def here() -> SpanContext:
    """The span of the current request; none where spans are not collected."""
    if not is_on():
        return trace.INVALID_SPAN_CONTEXT
    return trace.get_current_span().get_span_context()


@contextmanager
def span(name: str, served: Iterable[SpanContext]) -> Iterator[None]:
    """A span for work that serves several requests; `served` are their spans."""
    links = [Link(context) for context in served if context.is_valid]
    with trace.get_tracer(__name__).start_as_current_span(name, links=links):
        yield
