"""What features use to answer requests."""

from quart_chassis.web.access import admin_required, owner_required, policy_of
from quart_chassis.web.answers import document_answers
from quart_chassis.web.bodies import answer, parse_json, read_body, read_query
from quart_chassis.web.errors import answer_error, answer_unavailable
from quart_chassis.web.fields import (
    EnumField,
    JsonField,
    ReferenceField,
    check_storable,
)
from quart_chassis.web.forms import Form
from quart_chassis.web.limits import accepts_body
from quart_chassis.web.navigation import Link
from quart_chassis.web.openapi import amend
from quart_chassis.web.owner import is_owner
from quart_chassis.web.posted import read_form
from quart_chassis.web.redirects import see_other
from quart_chassis.web.violations import tell_violation, words_of_violation

__all__ = [
    "EnumField",
    "Form",
    "JsonField",
    "Link",
    "ReferenceField",
    "accepts_body",
    "admin_required",
    "amend",
    "answer",
    "answer_error",
    "answer_unavailable",
    "check_storable",
    "document_answers",
    "is_owner",
    "owner_required",
    "parse_json",
    "policy_of",
    "read_body",
    "read_form",
    "read_query",
    "see_other",
    "tell_violation",
    "words_of_violation",
]
