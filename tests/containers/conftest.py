from collections.abc import Callable, Iterator

import pytest

from tests.containers.compose import Compose


@pytest.fixture
def compose() -> Iterator[Callable[..., Compose]]:
    """Make projects; they go with the test."""
    made: list[Compose] = []

    def make(*files: str, replicas: int = 1, **environment: str) -> Compose:
        made.append(Compose(*files, replicas=replicas, **environment))
        return made[-1]

    yield make
    for project in made:
        project.run("down", "--volumes", "--timeout", "10")
