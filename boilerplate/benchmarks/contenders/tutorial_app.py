"""As the chapter counts: read, add one, write. It loses visits."""

from quart import Quart
from sqlalchemy import text
from sqlalchemy_engine import engine

import common

app = Quart(__name__)


@app.get("/")
async def home() -> str:
    async with engine.begin() as connection:
        found = await connection.execute(
            text("SELECT value FROM counters WHERE name = 'home'")
        )
        value = found.scalar()
        if value is None:
            statement = "INSERT INTO counters (name, value) VALUES ('home', :value)"
        else:
            statement = "UPDATE counters SET value = :value WHERE name = 'home'"
        await connection.execute(text(statement), {"value": (value or 0) + 1})
    return common.page((value or 0) + 1)


common.freeze()
