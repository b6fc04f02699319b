"""FastAPI with SQLAlchemy; /static-page is a page without a database."""

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

import common

app = FastAPI()


@app.get("/", response_class=HTMLResponse)
async def home() -> str:
    from sqlalchemy_engine import count

    return common.page(await count())


@app.get("/static-page", response_class=HTMLResponse)
async def static_page() -> str:
    return common.STATIC


common.freeze()
