from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.containers.compose import Compose


@pytest.fixture
def compose(tmp_path: Path) -> Iterator[Callable[..., Compose]]:
    """Make projects; they go with the test. `settings` are what .env holds."""
    made: list[Compose] = []

    def make(
        *files: str, settings: str = "", replicas: int = 1, **environment: str
    ) -> Compose:
        env_file = tmp_path / "env"
        env_file.write_text(settings)
        project = Compose(*files, env_file=env_file, replicas=replicas, **environment)
        made.append(project)
        return project

    yield make
    for project in made:
        project.run("down", "--volumes", "--timeout", "10")
