"""The MetaData that every feature's tables belong to."""

from quart_chassis.database import new_metadata

metadata = new_metadata()
