"""The ASGI layer that every request and every response passes."""

from quart_chassis.door.draining import Draining
from quart_chassis.door.entry import Door, behind_proxies, path_of, send_response
from quart_chassis.door.headers import CONTENT_SECURITY_POLICY

__all__ = [
    "CONTENT_SECURITY_POLICY",
    "Door",
    "Draining",
    "behind_proxies",
    "path_of",
    "send_response",
]
