"""Quart with SQLAlchemy; /static-page is a page without a database."""

from quart import Quart, abort

import common

app = Quart(__name__)


@app.get("/")
async def home() -> str:
    from sqlalchemy_engine import count

    return common.page(await count())


@app.get("/books/<int:book_id>")
async def book(book_id: int) -> dict[str, object]:
    from sqlalchemy_engine import read_book

    found = await read_book(book_id)
    if found is None:
        abort(404)
    return found


@app.get("/static-page")
async def static_page() -> str:
    return common.STATIC


common.freeze()
