"""A boilerplate from which projects are made."""

from pathlib import Path

import pytest

from tests.boilerplate.projects import commit_of


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The boilerplate as it is now, committed in a repository of its own."""
    return commit_of(tmp_path_factory.mktemp("boilerplate"))
