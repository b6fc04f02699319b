"""Traces as an operator has them: opentelemetry-instrument and a collector."""

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from sysconfig import get_path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.servers import ROOT, manage, running
from tests.waiting import until

INSTRUMENT = str(Path(get_path("scripts")) / "opentelemetry-instrument")


class Collector(ThreadingHTTPServer):
    """What takes spans by OTLP over HTTP, and keeps them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.spans: list[Span] = []

    @property
    def environment(self) -> dict[str, str]:
        """As docs/observability.md has it, but for the haste."""
        return {
            "OTEL_SERVICE_NAME": "my-app",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.server_port}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


class Receiver(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
        if self.path == "/v1/traces":
            sent = ExportTraceServiceRequest.FromString(body)
            for resource in sent.resource_spans:
                for scope in resource.scope_spans:
                    self.server.spans.extend(scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on the tests' output."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_a_batch_is_linked_to_the_requests_it_served(
    collector: Collector, database: str, workers: str
) -> None:
    """Seen to fail with a span that begins before the batch is taken."""
    command = [INSTRUMENT, *manage("run", "--port", "0", "--workers", workers)]
    environment = collector.environment | {"DATABASE_URL": database}
    with running(command, ROOT, measured=False, **environment) as server:
        assert server.get("/").status_code == 200
        assert server.get("/badges/livez.svg").status_code == 200
        assert server.get("/livez").status_code == 200
        until(lambda: len(collector.named("count")) == 2)
        until(lambda: collector.named("GET /badges/<name>.svg"))
        assert server.stop() == 0
    requests = collector.named("GET /") + collector.named("GET /badges/<name>.svg")
    assert [span.kind for span in requests] == [Span.SPAN_KIND_SERVER] * 2
    batches = collector.named("count")
    linked = [(link.trace_id, link.span_id) for each in batches for link in each.links]
    assert linked == [(span.trace_id, span.span_id) for span in requests]
    assert not any(batch.parent_span_id for batch in batches)
    assert {span.name for span in collector.spans} == {
        "GET /",
        "GET /badges/<name>.svg",
        "count",
    }
