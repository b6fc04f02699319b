"""Questions to a development database in a folder of its own."""

import asyncio
from pathlib import Path

import asyncpg

from quart_chassis.postgres import embedded


def ask(folder: Path, statement: str) -> object:
    """The first value that the statement gives in the database `app`."""

    async def fetch() -> object:
        connection = await asyncpg.connect(**embedded.address(folder), database="app")
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def said(line: str) -> None:
    """Nobody listens to what is said during a start."""
