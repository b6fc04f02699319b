"""Settings: declared in classes, loaded and checked before anything starts."""

from typing import TypeVar

from quart import current_app

from quart_chassis.settings.base import Settings
from quart_chassis.settings.loading import Loaded, load
from quart_chassis.settings.values import Secret, Secrets, check_each

__all__ = ["Loaded", "Secret", "Secrets", "Settings", "check_each", "current", "load"]

Kind = TypeVar("Kind")


def current(kind: type[Kind]) -> Kind:
    """The current application's settings of the class `kind`."""
    found: Kind = current_app.extensions["settings"][kind]
    return found
