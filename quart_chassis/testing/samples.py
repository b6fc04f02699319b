"""The values of /metrics, for tests to look up."""

from prometheus_client.parser import text_string_to_metric_families
from quart.typing import TestClientProtocol

from quart_chassis.testing.servers import RunningServer


class Samples(dict[str, float]):
    """The value of each series, by its name and its labels' values, sorted by name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                values = [value for _, value in sorted(sample.labels.items())]
                self[" ".join([sample.name, *values])] = sample.value


async def measured(client: TestClientProtocol) -> Samples:
    response = await client.get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain; version=")
    return Samples(await response.get_data(as_text=True))


def samples_of(server: RunningServer) -> Samples:
    return Samples(server.get("/metrics").text)
