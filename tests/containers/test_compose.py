"""The compose files start what they say, on a Docker that is really there."""

from quart_chassis.testing.containers import *
