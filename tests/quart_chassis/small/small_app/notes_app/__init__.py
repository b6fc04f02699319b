"""Notes: pages, a form, an API, a WebSocket, a command, seeds and two settings."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from quart_chassis.application import Application
from quart_chassis.settings import Secret
from quart_chassis.web import Link
from small_app.notes_app.api import notes_api
from small_app.notes_app.commands import count_notes
from small_app.notes_app.seeds import seeds
from small_app.notes_app.shelves import shelves_app
from small_app.notes_app.views import notes_app

__all__ = ["Settings", "commands", "install", "navigation", "seeds"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of notes."""

    LONGEST_NOTE: Annotated[int, Meta(ge=1)]
    NOTES_KEY: Secret


navigation = (
    Link("Notes", "notes_app.home"),
    Link("Drafts", "notes_app.drafts", in_production=False),
)
commands = (count_notes,)


def install(app: Application) -> None:
    """Add the pages and the API."""
    app.register_blueprint(notes_app)
    app.register_blueprint(notes_api)
    app.register_blueprint(shelves_app)
