"""The web server: how it starts, how many processes it has, and how it stops."""

from quart_chassis.serve.process import ready_to_serve

__all__ = ["ready_to_serve"]
