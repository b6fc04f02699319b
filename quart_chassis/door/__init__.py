"""What happens to every request and every answer, once."""

from quart_chassis.door.draining import Draining
from quart_chassis.door.entry import Door, behind_proxies, send_response
from quart_chassis.door.headers import CONTENT_SECURITY_POLICY

__all__ = [
    "CONTENT_SECURITY_POLICY",
    "Door",
    "Draining",
    "behind_proxies",
    "send_response",
]
