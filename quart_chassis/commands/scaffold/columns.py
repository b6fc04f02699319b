"""A field as the templates need it: in the table, in a form, in JSON, with a value."""

from dataclasses import dataclass

from sqlalchemy import make_url

from quart_chassis.commands.scaffold import kinds, words
from quart_chassis.commands.scaffold.fields import Field
from quart_chassis.commands.scaffold.references import Reference

DIALECT = make_url("postgresql+asyncpg://").get_dialect()()


@dataclass(frozen=True)
class Column:
    """A column of the feature's table; `reference` is what it refers to, if it does."""

    table: str
    field: Field
    reference: Reference | None = None

    @property
    def name(self) -> str:
        return self.field.column

    @property
    def kind(self) -> str:
        return self.field.kind

    @property
    def optional(self) -> bool:
        return self.field.optional

    @property
    def quoted(self) -> str:
        """Its name in SQL."""
        return DIALECT.identifier_preparer.quote(self.name)

    @property
    def title(self) -> str:
        """Its label, as people read it."""
        return words.title(self.field.name)

    @property
    def shown_title(self) -> str:
        """Its label where its value is shown."""
        return f"{self.title} (UTC)" if self.kind == "datetime" else self.title

    @property
    def constant(self) -> str:
        """The name of an enum's values."""
        return words.plural(self.name).upper()

    @property
    def constant_value(self) -> str:
        """An enum's values, as a tuple."""
        values = ", ".join(f'"{value}"' for value in self.field.values)
        return f"({values})" if "," in values else f"({values},)"

    @property
    def label(self) -> str:
        """The column that shows what it refers to; "" if there is none."""
        return self.reference.label if self.reference else ""

    @property
    def in_table(self) -> str:
        """What stands behind its name in the table."""
        parts = [self._filled(kinds.TABLE)]
        if not self.optional:
            parts.append("nullable=False")
        if self.field.unique:
            parts.append("unique=True")
        if self.reference:
            parts.append("index=True")
        return ", ".join(parts)

    @property
    def in_python(self) -> str:
        """Its type."""
        may_be_none = self.optional and self.kind != "json"
        return kinds.PYTHON[self.kind] + (" | None" if may_be_none else "")

    @property
    def in_form(self) -> str:
        """Its field in the form."""
        checks = [] if self.kind == "bool" else ["InputRequired()"]
        if self.kind == "text":
            # Blanks are no text.
            checks = ["DataRequired()", "Length(max=LONGEST_TEXT)"]
        if self.optional:
            checks = ["Optional()", *checks[1:]]
        arguments = [
            f'"{self.shown_title}"',
            *([f"[{', '.join(checks)}]"] if checks else []),
        ]
        if self.kind == "enum":
            arguments.append(self.constant)
        return f"{kinds.FORM[self.kind]}({', '.join(arguments)})"

    @property
    def in_json(self) -> str:
        """Its type in kinds.JSON, with a default if it may be left out."""
        kind = self._filled(kinds.JSON)
        if not self.optional:
            return kind
        return f"{kind} = None" if self.kind == "json" else f"{kind} | None = None"

    @property
    def value(self) -> str:
        """A value in Python."""
        return self._filled(kinds.VALUE)

    @property
    def sent(self) -> str:
        """The same value as a browser sends it."""
        return self._filled(kinds.SENT)

    @property
    def sent_as_json(self) -> str:
        """The same value in kinds.JSON."""
        return self._filled(kinds.IN_JSON)

    @property
    def wrong(self) -> str:
        """What is no value."""
        return kinds.WRONG[self.kind]

    def _filled(self, texts: dict[str, str]) -> str:
        reference = self.reference
        return texts[self.kind].format(
            title=self.title,
            name=self.name,
            field=self.field.name,
            table=self.table,
            constant=self.constant,
            first=self.field.values[0],
            literal=", ".join(f'"{value}"' for value in self.field.values),
            type=reference.type if reference else "",
            target=f"{reference.table}.{reference.key}" if reference else "",
        )
