"""Starlette with asyncpg; /static-page is a page without a database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

import common


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    size = common.POOL_SIZE
    async with asyncpg.create_pool(common.URL, min_size=size, max_size=size) as pool:
        app.state.pool = pool
        yield


async def home(request: Request) -> HTMLResponse:
    value = await request.app.state.pool.fetchval(common.UPSERT)
    return HTMLResponse(common.page(value))


async def static_page(_request: Request) -> HTMLResponse:
    return HTMLResponse(common.STATIC)


app = Starlette(
    routes=[Route("/", home), Route("/static-page", static_page)], lifespan=lifespan
)
common.freeze()
