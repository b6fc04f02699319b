"""Litestar with SQLAlchemy."""

from litestar import Litestar, MediaType, get

import common
from sqlalchemy_engine import count


@get("/", media_type=MediaType.HTML)
async def home() -> str:
    return common.page(await count())


app = Litestar([home])
common.freeze()
