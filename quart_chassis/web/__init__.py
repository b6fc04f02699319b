"""What features use to answer requests."""

from quart_chassis.web.access import admin_required
from quart_chassis.web.answers import document_answers
from quart_chassis.web.bodies import answer, read_body, read_query
from quart_chassis.web.errors import answer_unavailable
from quart_chassis.web.navigation import Link
from quart_chassis.web.openapi import amend

__all__ = [
    "Link",
    "admin_required",
    "amend",
    "answer",
    "answer_unavailable",
    "document_answers",
    "read_body",
    "read_query",
]
