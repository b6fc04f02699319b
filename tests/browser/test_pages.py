"""Every page is held to what every page is held to, in a browser."""

from quart_chassis.testing.pages import *
