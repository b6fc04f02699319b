"""Traces, where the server was started by `opentelemetry-instrument`; else nothing.

A request has a span, and so may have work that serves several requests at once. Such
work is no request's child; its span is linked to the requests that it serves.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from opentelemetry import trace
from opentelemetry.trace import Link, SpanContext

from quart_chassis.observe.metrics import METHODS

if TYPE_CHECKING:
    from hypercorn.typing import ASGIFramework

# Nobody looks for these among traces, and they are asked all the time.
LEFT_OUT = "://[^/]+/(livez|readyz|metrics)$"


def name_span(method: str, route: str) -> None:
    """Name the request's span by its route, of which there are few."""
    span = trace.get_current_span()
    if span.is_recording():
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)


def traced(application: "ASGIFramework") -> "ASGIFramework":
    """`application`, with a span for each request where somebody collects them."""
    if isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return application
    # Installed with what collects, not with the application.
    from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware  # noqa: PLC0415

    middleware: Any = OpenTelemetryMiddleware(
        application,
        excluded_urls=LEFT_OUT,
        default_span_details=_until_it_has_a_route,
        exclude_spans=["receive", "send"],
    )
    return cast("ASGIFramework", middleware)


def _until_it_has_a_route(scope: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """A name for a request's span; a caller's own words for a method make none."""
    method = scope.get("method", "WEBSOCKET")
    return method if method in METHODS else "HTTP", {}


def here() -> SpanContext:
    """The span of the request that is being answered."""
    return trace.get_current_span().get_span_context()


@contextmanager
def span(name: str, served: Iterable[SpanContext]) -> Iterator[None]:
    """A span for work done on behalf of several requests; `served` are theirs."""
    links = [Link(context) for context in served if context.is_valid]
    with trace.get_tracer(__name__).start_as_current_span(name, links=links):
        yield
