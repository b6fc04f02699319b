"""Traces as an operator has them: opentelemetry-instrument and a collector."""

import asyncio

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from quart_chassis.testing.collector import INSTRUMENT, collecting
from quart_chassis.testing.servers import running
from quart_chassis.testing.waiting import until
from tests.quart_chassis.handshakes import echoed
from tests.quart_chassis.small_project import PATHS, SMALL, command

NAMES = {"GET /", "GET /drafts/<int:number>", "WEBSOCKET /echo"}


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_a_request_is_a_span_with_the_name_of_its_route(
    database: str, workers: str
) -> None:
    started = command("run", "--port", "0", "--workers", workers)
    with (
        collecting() as collector,
        running(
            [INSTRUMENT, *started],
            SMALL,
            measured=False,
            DATABASE_URL=database,
            **PATHS,
            **collector.environment,
        ) as server,
    ):
        assert server.get("/").status_code == 200
        assert server.get("/drafts/3").status_code == 200
        assert server.get("/livez").status_code == 200
        assert asyncio.run(echoed(server.url, "hello")) == "hello"
        until(lambda: all(collector.named(name) for name in NAMES))
        assert server.stop() == 0
    assert {span.name for span in collector.spans} == NAMES
    assert [span.kind for span in collector.spans] == [Span.SPAN_KIND_SERVER] * 3
