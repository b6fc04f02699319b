from quart_chassis.testing.compose import compose

__all__ = ["compose"]
