"""Forms of WTForms, whose values a database can store and a page can show."""

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import wtforms
from werkzeug.datastructures import MultiDict
from wtforms import fields
from wtforms.form import BaseForm
from wtforms.meta import DefaultMeta

from quart_chassis.web import values

# WTForms' types are those of an older version.
newer: Any = fields
MISSING = "This field was not sent. Reload the page, and try again."
# A browser sends each of these in every form, also when it is empty.
ALWAYS_SENT = (
    *(fields.StringField, fields.IntegerField, fields.DecimalField, fields.FloatField),
    *(fields.DateTimeField, fields.SelectField),
)
# Except these, which it leaves out when nothing is chosen.
SENT_IF_CHOSEN = (fields.RadioField, fields.SelectMultipleField, newer.ButtonField)


class Form(wtforms.Form):
    r"""A form; `read_form` reads what was posted, and `validate()` says if it is valid.

    Text loses spaces around it, except passwords, and has `\n` at the end of a line;
    an empty text that may be empty (`validators.Optional`) is None. A time without a
    zone is in UTC. A field has an error if PostgreSQL could not store its value, or if
    the form was posted without it, as one is that is older than the field.
    """

    class Meta(DefaultMeta):
        """How each field is made, and what it is made of."""

        def bind_field(
            self, form: BaseForm, unbound_field: Any, options: MutableMapping[str, Any]
        ) -> Any:
            field = super().bind_field(form, unbound_field, options)
            return values.prepared(field, unbound_field.kwargs)

        def wrap_formdata(self, form: BaseForm, formdata: Any) -> Any:
            given = super().wrap_formdata(form, formdata)
            if given is None:
                return None
            return MultiDict(
                (name, values.showable(value))
                for name in given
                for value in given.getlist(name)
            )

    def validate(
        self, extra_validators: Mapping[str, Sequence[Any]] | None = None
    ) -> bool:
        """Whether no field has an error."""
        super().validate(extra_validators)
        for field in self:
            if _is_missing(field) and not field.errors:
                field.errors = [MISSING]
        return not self.errors


def _is_missing(field: fields.Field) -> bool:
    """Whether a form was posted without a field that browsers always send."""
    if not isinstance(field, ALWAYS_SENT) or isinstance(field, SENT_IF_CHOSEN):
        return False
    # None if nothing was posted at all.
    return field.raw_data == [] and not field.flags.disabled
