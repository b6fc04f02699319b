"""Flask with psycopg, under gunicorn with threads."""

from flask import Flask
from psycopg_pool import ConnectionPool

import common

app = Flask(__name__)
pool = ConnectionPool(common.URL, min_size=common.POOL_SIZE, max_size=common.POOL_SIZE)


@app.get("/")
def home() -> str:
    with pool.connection() as connection:
        (value,) = connection.execute(common.UPSERT).fetchone()
    return common.page(value)


common.freeze()
