"""What the files for deploying name is there."""

from quart_chassis.testing.deployment import *
