"""What Prometheus is told about counting (docs/observability.md)."""

import asyncio

from my_app.counter_app.writing import Counted, CounterFull, KeyReused
from my_app.db import DatabaseUnavailable
from my_app.metrics import SECONDS, Metrics

INCREMENTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)

OUTCOMES = ("counted", "replayed", "full", "key-reused", "not-counted", "unknown")


class CountingMetrics:
    """The writer's instruments."""

    def __init__(self, metrics: Metrics, queue_limit: int) -> None:
        self.increments = metrics.counter(
            "counting_increments_total",
            "Increments by what their callers were told.",
            ("outcome",),
        )
        # A series that is there from the start can be seen to grow from 0 to 1.
        for outcome in OUTCOMES:
            self.increments.labels(outcome)
        self.retries = metrics.counter(
            "counting_retries_total",
            "Increments put back into the queue because their batch failed.",
        )
        self.queue = metrics.gauge(
            "counting_queue_length", "Increments that wait for a batch."
        )
        metrics.gauge(
            "counting_queue_limit", "Increments that may wait: QUEUE_LIMIT."
        ).set(queue_limit)
        self.batch = metrics.histogram(
            "counting_batch_increments", "Increments that shared a commit.", INCREMENTS
        )
        self.commit_seconds = metrics.histogram(
            "counting_commit_duration_seconds",
            "From COMMIT until it was done, or failed.",
            SECONDS,
        )

    def answered(self, answer: "asyncio.Future[Counted]") -> None:
        """Count an increment by what its caller is told, unless he left."""
        if not answer.cancelled():
            self.increments.labels(_outcome(answer)).inc()


def _outcome(answer: "asyncio.Future[Counted]") -> str:
    match answer.exception():
        case None:
            return "replayed" if answer.result().replayed else "counted"
        case CounterFull():
            return "full"
        case KeyReused():
            return "key-reused"
        case DatabaseUnavailable(committed=None):
            return "unknown"
    return "not-counted"
