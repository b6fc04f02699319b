"""Logs, metrics and traces, for operators."""

from quart_chassis.observe import tracing
from quart_chassis.observe.metrics import SECONDS, Metrics

__all__ = ["SECONDS", "Metrics", "tracing"]
