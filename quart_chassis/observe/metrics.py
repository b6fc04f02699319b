"""Metrics for Prometheus: the requests, and those that features add.

Several workers write their values to files in one directory, and the worker that
answers /metrics adds them up. Without METRICS all is measured, but /metrics is 404.
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

# prometheus_client reads it once, when it is imported.
DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# A caller may send any method, and each one would create a series for ever.
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "WEBSOCKET"}


class Metrics:
    """An application's instruments in this worker.

    Gauges are summed over live workers; counters and histograms include dead workers.
    """

    def __init__(self) -> None:
        folder = os.environ.get(DIRECTORY)
        if folder and not Path(folder).is_dir():
            raise UserError(
                f"{DIRECTORY}={folder} is no folder; make it, or remove the variable: "
                "`run` needs none"
            )
        # Several workers have no common creation time of a series.
        disable_created_metrics()
        self.registry = CollectorRegistry()
        self._of_requests: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.requests = self.counter(
            "http_requests_total",
            "Requests by route and status; 499 is a caller who disconnected.",
            ("method", "route", "status"),
        )
        self.seconds = self.histogram(
            "http_request_duration_seconds",
            "From the arrival of a request until its response began.",
            SECONDS,
            ("method", "route"),
        )

    def counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        """A value that only grows; `name` ends with `_total`."""
        return Counter(name, text, labels, registry=self.registry)

    def gauge(self, name: str, text: str) -> Gauge:
        """A value that goes up and down."""
        return Gauge(name, text, registry=self.registry, multiprocess_mode="livesum")

    def histogram(
        self,
        name: str,
        text: str,
        buckets: tuple[float, ...],
        labels: tuple[str, ...] = (),
    ) -> Histogram:
        """Sizes or durations, counted in `buckets` with these upper bounds."""
        return Histogram(name, text, labels, registry=self.registry, buckets=buckets)

    def text(self) -> bytes:
        """The metrics of all workers, in Prometheus' text format."""
        registry = self.registry
        if DIRECTORY in os.environ:
            registry = CollectorRegistry()
            registry.register(AllWorkers())
        return generate_latest(registry)

    def answered(
        self, method: str, route: str, status: int, seconds: float | None
    ) -> None:
        """Count a request, and the seconds until its response began, if one did."""
        known = method if method in METHODS else "other"
        # Bounded as the labels are, and found sooner than by them.
        key = (known, route, status)
        if key not in self._of_requests:
            self._of_requests[key] = (
                self.requests.labels(*key),
                self.seconds.labels(known, route),
            )
        requests, duration = self._of_requests[key]
        requests.inc()
        if seconds is not None:
            duration.observe(seconds)


class AllWorkers(Collector):
    """Reads all workers' files, as `MultiProcessCollector` does, except empty ones.

    A worker's file is empty for a moment after it is created, and for ever if the
    worker is killed then; reading it raises (prometheus/client_python, issue 1199).
    """

    def collect(self) -> Iterable[Metric]:
        files = []
        for file in Path(os.environ[DIRECTORY]).glob("*.db"):
            # A gauge's file is deleted when its worker has ended.
            with suppress(FileNotFoundError):
                if file.stat().st_size:
                    files.append(str(file))
        merged: Iterable[Metric] = MultiProcessCollector.merge(files)
        return merged


@contextmanager
def shared_by_workers(project: Project) -> Iterator[None]:
    """Share metrics among the workers that start in this block."""
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
    """Remove the gauges of workers that have ended."""
    for file in Path(os.environ.get(DIRECTORY, os.devnull)).glob("gauge_live*.db"):
        process = int(file.stem.rpartition("_")[2])
        if process not in alive:
            mark_process_dead(process)
