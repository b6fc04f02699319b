"""What Prometheus is told: the requests, and whatever features add.

With several workers each writes its values to files in one directory, and whichever is
asked adds them up. Without METRICS all is measured as well, but nobody may read it.
"""

import os
import tempfile
from collections.abc import Container, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from quart_chassis.errors import UserError
from quart_chassis.project import Project

# prometheus_client looks for it once, when it is imported.
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# A caller may send any word for a method, and each would be a series for ever.
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET"}


class Metrics:
    """An application's instruments, or this worker's share of them.

    A gauge is summed over the workers that live; counters and histograms are kept of
    the dead, too.
    """

    def __init__(self) -> None:
        # When a series began is not to be had of several workers.
        disable_created_metrics()
        self.registry = CollectorRegistry()
        self.requests = self.counter(
            "http_requests_total",
            "Requests by route and status; 499 is a caller who left.",
            ("method", "route", "status"),
        )
        self.seconds = self.histogram(
            "http_request_duration_seconds",
            "From a request's arrival until its answer began.",
            SECONDS,
            ("method", "route"),
        )

    def counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        """Something that only grows; `name` ends with `_total`."""
        return Counter(name, text, labels, registry=self.registry)

    def gauge(self, name: str, text: str) -> Gauge:
        """Something that comes and goes."""
        return Gauge(name, text, registry=self.registry, multiprocess_mode="livesum")

    def histogram(
        self,
        name: str,
        text: str,
        buckets: tuple[float, ...],
        labels: tuple[str, ...] = (),
    ) -> Histogram:
        """Sizes or durations, counted by the `buckets` they fit into."""
        return Histogram(name, text, labels, registry=self.registry, buckets=buckets)

    def text(self) -> bytes:
        """Everything in Prometheus' text format, of all workers."""
        registry = self.registry
        if DIRECTORY in os.environ:
            registry = CollectorRegistry()
            registry.register(AllWorkers())
        return generate_latest(registry)

    def answered(
        self, method: str, route: str, status: int, seconds: float | None
    ) -> None:
        """Count a request, and the seconds until its answer began, if one did."""
        known = method if method in METHODS else "other"
        self.requests.labels(known, route, status).inc()
        if seconds is not None:
            self.seconds.labels(known, route).observe(seconds)


class AllWorkers(Collector):
    """Reads what all workers wrote, as `MultiProcessCollector` does, but no empty file.

    A worker's file is empty for a moment after it was made, and for ever if the worker
    is killed then; reading it raises (prometheus/client_python, issue 1199).
    """

    def collect(self) -> Iterable[Metric]:
        files = []
        for file in Path(os.environ[DIRECTORY]).glob("*.db"):
            # A gauge's file goes when its worker has gone.
            with suppress(FileNotFoundError):
                if file.stat().st_size:
                    files.append(str(file))
        merged: Iterable[Metric] = MultiProcessCollector.merge(files)
        return merged


@contextmanager
def shared_by_workers(project: Project) -> Iterator[None]:
    """Let the workers started in this block add up their values."""
    try:
        directory = tempfile.TemporaryDirectory(
            prefix=f"{project.name}-metrics-", ignore_cleanup_errors=True
        )
    except OSError as error:
        raise UserError(
            f"no folder can be made for the workers' metrics ({error.strerror}); set "
            "TMPDIR to one that is writable, or METRICS=false"
        ) from None
    with directory as path:
        os.environ[DIRECTORY] = path
        try:
            yield
        finally:
            del os.environ[DIRECTORY]


def forget_all_but(alive: Container[int | None]) -> None:
    """Leave workers that have gone out of the gauges."""
    for file in Path(os.environ.get(DIRECTORY, os.devnull)).glob("gauge_live*.db"):
        process = int(file.stem.rpartition("_")[2])
        if process not in alive:
            mark_process_dead(process)
