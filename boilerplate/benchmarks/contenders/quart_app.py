"""Quart with SQLAlchemy; /static is a page without a database."""

from quart import Quart

import common

app = Quart(__name__)


@app.get("/")
async def home() -> str:
    from sqlalchemy_engine import count

    return common.page(await count())


@app.get("/static-page")
async def static_page() -> str:
    return common.STATIC


common.freeze()
