"""The Prometheus metrics of counting (docs/counter_app/monitoring.md)."""

from collections import Counter
from collections.abc import Iterable

from my_app.counter_app.increments import (
    BoundReached,
    Counted,
    CounterFull,
    KeyReused,
)
from quart_chassis.database import DatabaseUnavailable
from quart_chassis.observe import SECONDS, Metrics

INCREMENTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096)

OUTCOMES = (
    *("counted", "replayed", "full", "bound-reached", "key-reused"),
    *("not-counted", "unknown"),
)

REASONS = ("head", "self", "robot", "prefetch")


class CountingMetrics:
    """The writer's instruments."""

    def __init__(self, metrics: Metrics, queue_limit: int) -> None:
        self.increments = metrics.counter(
            "counting_increments_total",
            "Answered increments by outcome.",
            ("outcome",),
        )
        # Prometheus sees the first increment only in a series that starts at 0.
        self._by_outcome = {each: self.increments.labels(each) for each in OUTCOMES}
        no_visits = metrics.counter(
            "counting_no_visits_total",
            "Requests for pages and badges that were answered and not counted.",
            ("reason",),
        )
        self._no_visits = {each: no_visits.labels(each) for each in REASONS}
        self.retries = metrics.counter(
            "counting_retries_total",
            "Increments put back into the queue because their batch failed.",
        )
        self.queue = metrics.gauge(
            "counting_queue_length", "Increments waiting for a batch."
        )
        metrics.gauge(
            "counting_queue_limit", "Limit of waiting increments: QUEUE_LIMIT."
        ).set(queue_limit)
        self.batch = metrics.histogram(
            "counting_batch_increments", "Increments in one commit.", INCREMENTS
        )
        self.commit_seconds = metrics.histogram(
            "counting_commit_duration_seconds",
            "Time from sending COMMIT to its success or failure.",
            SECONDS,
        )

    def no_visit(self, reason: str) -> None:
        """Record a request that was answered and not counted."""
        self._no_visits[reason].inc()

    def answered(self, answers: Iterable[Counted | Exception]) -> None:
        """Record the outcomes of increments whose callers have not left."""
        for outcome, times in Counter(map(_outcome, answers)).items():
            self._by_outcome[outcome].inc(times)


def _outcome(answer: Counted | Exception) -> str:
    match answer:
        case Counted(replayed=replayed):
            return "replayed" if replayed else "counted"
        case CounterFull():
            return "full"
        case BoundReached():
            return "bound-reached"
        case KeyReused():
            return "key-reused"
        case DatabaseUnavailable(committed=None):
            return "unknown"
    return "not-counted"
