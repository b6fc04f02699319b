"""The ASGI layer that every request and every response passes."""

from quart_chassis.door.draining import Draining
from quart_chassis.door.entry import Door, send_response
from quart_chassis.door.headers import CONTENT_SECURITY_POLICY
from quart_chassis.door.origins import is_foreign
from quart_chassis.door.proxies import behind_proxies, path_of

__all__ = [
    "CONTENT_SECURITY_POLICY",
    "Door",
    "Draining",
    "behind_proxies",
    "is_foreign",
    "path_of",
    "send_response",
]
