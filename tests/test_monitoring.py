"""What is watched is told, and the alerts fire when they should."""

from quart_chassis.testing.monitoring import *
