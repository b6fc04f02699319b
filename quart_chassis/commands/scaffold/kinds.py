"""What each type of field is in a table, in Python, in a form and in JSON."""

TABLE = {
    "text": "Text",
    "int": "BigInteger",
    "numeric": "Numeric",
    "date": "Date",
    "datetime": "DateTime(timezone=True)",
    "bool": "Boolean",
    "enum": 'Enum(*{constant}, name="{table}_{name}")',
    # None is SQL's NULL, not JSON's null.
    "json": "JSONB(none_as_null=True)",
    "ref": '{type}, ForeignKey("{target}")',
}
PYTHON = {
    "text": "str",
    "int": "int",
    "numeric": "Decimal",
    "date": "dt.date",
    "datetime": "dt.datetime",
    "bool": "bool",
    "enum": "str",
    "json": "Any",
    "ref": "int",
}
FORM = {
    "text": "StringField",
    "int": "IntegerField",
    "numeric": "DecimalField",
    "date": "DateField",
    "datetime": "DateTimeLocalField",
    "bool": "BooleanField",
    "enum": "EnumField",
    "json": "JsonField",
    "ref": "ReferenceField",
}
# The types of `schemas.py`, and of PYTHON where they need no bounds.
JSON = PYTHON | {
    "text": "LimitedText",
    "int": "BigInt",
    "numeric": "Number",
    "datetime": "Moment",
    "enum": "Literal[{literal}]",
    "ref": "Id",
}
# The value with `number` in it, as Python has it, as a browser sends it, and as JSON.
VALUE = {
    "text": 'f"{title} {{number}}"',
    "int": "number",
    "numeric": 'Decimal(f"{{number}}.5")',
    "date": "dt.date(2030, 1, number)",
    "datetime": "dt.datetime(2030, 1, number, 9, 30, tzinfo=dt.UTC)",
    "bool": "True",
    "enum": '"{first}"',
    "json": '{{"number": number}}',
    "ref": "{field}_id",
}
SENT = {
    "text": 'f"{title} {{number}}"',
    "int": "str(number)",
    "numeric": 'f"{{number}}.5"',
    "date": 'f"2030-01-{{number:02}}"',
    "datetime": 'f"2030-01-{{number:02}}T09:30"',
    "bool": '"y"',
    "enum": '"{first}"',
    "json": "f'{{{{\"number\": {{number}}}}}}'",
    "ref": '"1"',
}
IN_JSON = SENT | {
    "int": "number",
    "datetime": 'f"2030-01-{{number:02}}T09:30:00Z"',
    "bool": "True",
    "json": '{{"number": number}}',
    "ref": "1",
}
# What no form may hold.
WRONG = dict.fromkeys(PYTHON, '"x"') | {"text": '"x" * (LONGEST_TEXT + 1)'}
