from tests.containers.conftest import compose

__all__ = ["compose"]
