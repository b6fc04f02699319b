"""Shelves: a list with a form, and a button of the owner's."""

from quart import Blueprint, flash, render_template, url_for
from quart.typing import ResponseReturnValue
from sqlalchemy import delete, insert, select
from sqlalchemy.exc import DBAPIError
from wtforms import (
    DateField,
    DateTimeLocalField,
    DecimalField,
    IntegerField,
    StringField,
)
from wtforms.validators import InputRequired, Length, Optional

from quart_chassis.database import begin
from quart_chassis.web import (
    Form,
    owner_required,
    read_form,
    see_other,
    tell_violation,
)
from small_app.notes_app.tables import shelves

shelves_app = Blueprint("shelves", __name__, url_prefix="/shelves")


class ShelfForm(Form):
    """A new shelf."""

    name = StringField("Name", [InputRequired(), Length(max=60)])
    width = IntegerField("Width", [InputRequired()])
    price = DecimalField("Price", [Optional()])
    bought_on = DateField("Bought on", [Optional()])
    seen_at = DateTimeLocalField("Seen at", [Optional()])
    above = IntegerField("Above", [Optional()])


@shelves_app.get("")
async def show() -> str:
    """All shelves, and a form for one more."""
    return await _page(ShelfForm())


@shelves_app.post("")
async def add() -> ResponseReturnValue:
    """Put up a shelf; 422 with the form if it cannot be one."""
    form = await read_form(ShelfForm)
    if not form.validate():
        return await _page(form), 422
    try:
        async with begin() as connection:
            await connection.execute(insert(shelves).values(form.data))
    except DBAPIError as error:
        if not tell_violation(form, error):
            raise
        return await _page(form), 422
    await flash(f"There is a shelf {form.name.data}.")
    return see_other(url_for("shelves.show"))


@shelves_app.post("/clear")
@owner_required
async def clear() -> ResponseReturnValue:
    """Take all shelves down."""
    async with begin() as connection:
        await connection.execute(delete(shelves))
    return see_other(url_for("shelves.show"))


@shelves_app.get("/secret")
@owner_required
async def secret() -> str:
    """A page for the owner."""
    return "secret"


async def _page(form: ShelfForm) -> str:
    async with begin() as connection:
        names = list(await connection.scalars(select(shelves.c.name)))
    return await render_template("notes_app/shelves.html", form=form, names=names)
