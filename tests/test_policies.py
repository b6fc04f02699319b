"""The application is held to what every application is held to."""

from quart_chassis.testing.policies import *
