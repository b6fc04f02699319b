"""The MetaData of the small application."""

from quart_chassis.database import new_metadata

metadata = new_metadata()
