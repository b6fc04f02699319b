"""Traces of counting, as an operator has them."""

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from quart_chassis.testing.collector import INSTRUMENT, collecting
from quart_chassis.testing.servers import ROOT, manage, running
from quart_chassis.testing.waiting import HANG_SECONDS, until

PATH = "/api/counters/livez/increment"
INCREMENT = "POST /api/counters/<name>/increment"


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_a_batch_is_linked_to_the_requests_it_served(
    database: str, workers: str
) -> None:
    """Seen to fail with a span that begins before the batch is taken."""
    command = [INSTRUMENT, *manage("run", "--port", "0", "--workers", workers)]
    with (
        collecting() as collector,
        running(
            command, ROOT, False, DATABASE_URL=database, **collector.environment
        ) as server,
    ):
        assert server.get("/").status_code == 200
        counted = httpx.post(f"{server.url}{PATH}", timeout=HANG_SECONDS)
        assert counted.status_code == 200
        assert server.get("/livez").status_code == 200
        until(lambda: len(collector.named("count")) == 2)
        until(lambda: collector.named(INCREMENT))
        assert server.stop() == 0
    requests = collector.named("GET /") + collector.named(INCREMENT)
    assert [span.kind for span in requests] == [Span.SPAN_KIND_SERVER] * 2
    batches = collector.named("count")
    linked = [(link.trace_id, link.span_id) for each in batches for link in each.links]
    assert linked == [(span.trace_id, span.span_id) for span in requests]
    assert not any(batch.parent_span_id for batch in batches)
    assert {span.name for span in collector.spans} == {
        "GET /",
        INCREMENT,
        "count",
    }
